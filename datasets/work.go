package datasets

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
)

// Work does a job: it brings the dataset to READY or FAILED, unless it has nothing
// to do. It leaves the dataset to be found again only when ctx ends or the service
// hands over, when the dataset is deleted or another node has it, and when the
// database is away: an error says that.
func (s *Service) Work(ctx context.Context, j Job) error {
	if !s.held.enter() {
		return nil // another node's sweep, or the next start's, finds it
	}
	defer s.held.wg.Done()
	ctx = auth.WithViewer(ctx, auth.Viewer{UserID: j.OwnerID})
	stored := context.WithoutCancel(ctx) // what was claimed is given back whatever has ended
	claimed := time.Now()
	s.claiming.RLock()
	d, err := s.begin(stored, j)
	if d == nil || err != nil {
		s.claiming.RUnlock()
		return err
	}
	c := claim{id: d.ID, epoch: d.ProfileEpoch}
	ctx, lose, leave := s.held.add(ctx, d.ID)
	s.claiming.RUnlock()
	defer leave()
	kept := make(chan struct{})
	keeping, stop := context.WithCancel(stored)
	go func() {
		defer close(kept)
		s.keep(keeping, c, claimed, lose)
	}()
	err = s.profile(ctx, c, d)
	stop()
	<-kept
	if cause := context.Cause(ctx); cause != nil {
		s.logger.InfoContext(ctx, "left a dataset where it was", "dataset", d.ID, "epoch", c.epoch, "cause", cause)
		return s.release(stored, c)
	}
	// After an error the lease ends, and somebody tries again.
	return err
}

// profile does what was claimed: it reads a file or a table's metadata.
func (s *Service) profile(ctx context.Context, c claim, d *ent.Dataset) (err error) {
	// A defect that one file brings out must not take the service down.
	defer func() {
		if r := recover(); r != nil {
			s.logger.ErrorContext(ctx, "profiling a dataset panicked", "dataset", d.ID, "panic", r, "stack", string(debug.Stack()))
			err = s.fail(ctx, c, brokenBy(d))
		}
	}()
	if d.ProfileLosses >= mostLosses {
		return s.fail(ctx, c, lostWith(d))
	}
	if d.Source == dataset.SourceBigQuery {
		return s.sync(ctx, c, d)
	}
	began := s.clock.Now()
	p, err := s.read(ctx, d)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		failure := failureOf(err)
		s.logger.InfoContext(ctx, "a dataset cannot be read", "dataset", d.ID, "code", failure.Code, "error", err)
		return s.fail(ctx, c, failure)
	}
	s.logger.InfoContext(ctx, "profiled a dataset", "dataset", d.ID, "format", p.Format,
		"rows", p.RowCount, "columns", len(p.Columns), "duration", s.clock.Now().Sub(began))
	return s.finish(ctx, c, p)
}

// read has the file read in a session of its own.
func (s *Service) read(ctx context.Context, d *ent.Dataset) (p profile.Profile, err error) {
	limited, cancel := context.WithTimeout(ctx, s.limits.ProfileTime)
	defer cancel()
	path, release, err := s.files.LocalPath(limited, d.BlobKey)
	if err != nil {
		return p, err
	}
	defer release()
	session, err := s.sandbox.Open(limited, execution.Spec{
		Files:  []execution.File{{Name: d.FileName, Path: path}},
		Limits: s.limits.Session,
	})
	if err != nil {
		return p, err
	}
	defer func() {
		if closeErr := session.Close(); closeErr != nil {
			s.logger.WarnContext(ctx, "closing a profile's session failed", "dataset", d.ID, "error", closeErr)
		}
	}()
	p, err = profile.Run(limited, session, d.FileName)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return p, &execution.Error{Code: execution.CodeTimeout, Message: "Profiling took too long.", Err: err}
	}
	return p, err
}

// brokenBy is what a person is told of a defect.
func brokenBy(d *ent.Dataset) *profile.Failure {
	if d.Source == dataset.SourceBigQuery {
		return tableFailure(nil)
	}
	return failureOf(nil)
}

// lostWith is what a person is told of a dataset that took several nodes with it.
func lostWith(d *ent.Dataset) *profile.Failure {
	what, do := "file", "Upload it again, or a part of it."
	if d.Source == dataset.SourceBigQuery {
		what, do = "table", "Refresh it to try again."
	}
	return &profile.Failure{Code: profile.Failed, Message: fmt.Sprintf(
		"Mark was interrupted %d times while it read this %s, and has given up. %s", d.ProfileLosses, what, do)}
}

// failureOf is what a person is told about an error.
func failureOf(err error) *profile.Failure {
	var failure *profile.Failure
	if errors.As(err, &failure) {
		return failure
	}
	var ended *execution.Error
	switch {
	case errors.As(err, &ended) && ended.Code == execution.CodeUnavailable:
		return &profile.Failure{Code: profile.Unavailable, Message: "The file is stored, but Python cannot run on this server now: " + ended.Message, Err: err}
	case errors.As(err, &ended) && ended.Code == execution.CodeTimeout, errors.Is(err, context.DeadlineExceeded):
		return &profile.Failure{Code: profile.TooLarge, Message: "Reading the file took too long. Upload a part of it, or save it as Parquet.", Err: err}
	}
	return &profile.Failure{Code: profile.Failed, Message: "The file could not be read because of a fault of this server. Upload it again.", Err: err}
}
