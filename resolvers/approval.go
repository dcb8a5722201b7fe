package resolvers

import (
	"context"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
)

func (r approvalResolver) Step(ctx context.Context, a *ent.Approval) (*ent.Step, error) {
	return r.load(ctx).step.Load(ctx, a.StepID)
}

func (r approvalResolver) Reason(_ context.Context, a *ent.Approval) (string, error) {
	request, err := agent.RequestOf(a)
	return request.Reason, err
}

func (r approvalResolver) Code(_ context.Context, a *ent.Approval) (*string, error) {
	request, err := agent.RequestOf(a)
	return optional(request.Code), err
}

func (r approvalResolver) SQL(_ context.Context, a *ent.Approval) (*string, error) {
	request, err := agent.RequestOf(a)
	return optional(request.SQL), err
}

func (r approvalResolver) Tables(_ context.Context, a *ent.Approval) ([]string, error) {
	request, err := agent.RequestOf(a)
	return append([]string{}, request.Tables...), err
}

func (r approvalResolver) Bytes(_ context.Context, a *ent.Approval) (*int64, error) {
	request, err := agent.RequestOf(a)
	if err != nil || request.SQL == "" {
		return nil, err
	}
	return &request.Bytes, nil
}

func (r approvalResolver) CostUsd(_ context.Context, a *ent.Approval) (*float64, error) {
	request, err := agent.RequestOf(a)
	if err != nil || request.SQL == "" {
		return nil, err
	}
	return ref(dollars(request.CostMicros)), nil
}

func (r approvalResolver) Note(_ context.Context, a *ent.Approval) (*string, error) {
	return optional(a.Note), nil
}
