package resolvers

import (
	"context"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/graph/model"
)

func (r mutationResolver) SignUp(ctx context.Context, in model.SignUpInput) (*model.SignUpPayload, error) {
	grant, err := r.Auth.SignUp(ctx, in.Email, in.Password, deref(in.Name))
	errs, err := problems[model.SignUpError](err)
	if err != nil {
		return nil, err
	}
	return &model.SignUpPayload{Session: session(grant, len(errs) == 0), Errors: errs}, nil
}

func (r mutationResolver) SignIn(ctx context.Context, in model.SignInInput) (*model.SignInPayload, error) {
	grant, err := r.Auth.SignIn(ctx, in.Email, in.Password)
	errs, err := problems[model.SignInError](err)
	if err != nil {
		return nil, err
	}
	return &model.SignInPayload{Session: session(grant, len(errs) == 0), Errors: errs}, nil
}

func (r mutationResolver) RefreshSession(ctx context.Context, in model.RefreshSessionInput) (*model.RefreshSessionPayload, error) {
	grant, err := r.Auth.Refresh(ctx, in.RefreshToken)
	errs, err := problems[model.RefreshSessionError](err)
	if err != nil {
		return nil, err
	}
	return &model.RefreshSessionPayload{Session: session(grant, len(errs) == 0), Errors: errs}, nil
}

func (r mutationResolver) SignOut(ctx context.Context, in model.SignOutInput) (*model.SignOutPayload, error) {
	if err := r.Auth.SignOut(ctx, in.Everywhere); err != nil {
		return nil, err
	}
	return &model.SignOutPayload{Done: true, Errors: []model.SignOutError{}}, nil
}

// session is what a grant looks like to clients.
func session(g auth.Grant, granted bool) *model.AuthSession {
	if !granted {
		return nil
	}
	return &model.AuthSession{
		AccessToken: g.AccessToken, AccessTokenExpiresAt: g.AccessTokenExpiresAt,
		RefreshToken: g.RefreshToken, User: g.User,
	}
}
