package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// riverPrefix is where River's page is on the operators' address.
const riverPrefix = "/river"

// serveOperators serves what operators look at on an address of its own, which
// asks nobody who they are: it is for the machine itself or a network of
// operators.
func (a *App) serveOperators(ctx context.Context, j *jobs) error {
	ui, err := j.UI(riverPrefix)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.OperatorAddr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (MARK_OPERATOR_ADDR sets another address)", a.config.OperatorAddr, err)
	}
	refreshing, stop := context.WithCancel(context.WithoutCancel(ctx))
	if err := ui.Start(refreshing); err != nil {
		stop()
		return errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.Handle(riverPrefix+"/", ui)
	mux.Handle("/{$}", http.RedirectHandler(riverPrefix+"/", http.StatusFound))
	// Pages of other origins in an operator's browser must not change jobs.
	server := &http.Server{Handler: http.NewCrossOriginProtection().Handler(mux), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.logger.ErrorContext(ctx, "serving operators failed", "error", err)
		}
	}()
	a.logger.InfoContext(ctx, "River's page is served to operators", "address", "http://"+listener.Addr().String()+riverPrefix)
	a.closers = append(a.closers, func(context.Context) error {
		stop()
		return server.Close()
	})
	return nil
}
