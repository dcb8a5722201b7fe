package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// person is somebody who asks, each time over a new connection to any node.
type person struct {
	url   string
	token string
}

// client makes no use of a connection twice: each request may meet another node.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

const (
	// answerTime is how long a person waits for an answer before the request is
	// made again.
	answerTime = 5 * time.Second
	// signUpTime is how long an account is waited for, which is asked for once, while
	// nothing is broken yet.
	signUpTime = 30 * time.Second
	// retryPause is how long a client waits before it tries again.
	retryPause = 200 * time.Millisecond
)

// errRefused: the service has answered, and will not.
var errRefused = errors.New("refused")

// do asks once and reads the answer's data into out.
func (p *person) do(ctx context.Context, query string, variables map[string]any, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return p.wait(ctx, query, variables, out)
}

// wait is do for as long as ctx lasts.
func (p *person) wait(ctx context.Context, query string, variables map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var got struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return fmt.Errorf("%s: %w", res.Status, err)
	}
	if len(got.Errors) > 0 {
		return fmt.Errorf("%s: %s", res.Status, got.Errors[0].Message)
	}
	return json.Unmarshal(got.Data, out)
}

// insist repeats what fails, until ctx ends or the service refuses.
func insist(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || errors.Is(err, errRefused) {
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// signUp makes an account.
func signUp(ctx context.Context, url, name string) (*person, error) {
	ctx, cancel := context.WithTimeout(ctx, signUpTime)
	defer cancel()
	p := &person{url: url}
	var got struct {
		SignUp struct {
			Session *struct{ AccessToken string }
		}
	}
	err := p.wait(ctx, `mutation($e: String!) { signUp(input: {email: $e, password: "correct horse battery"}) { session { accessToken } } }`,
		map[string]any{"e": name + "@example.org"}, &got)
	if err == nil && got.SignUp.Session == nil {
		err = errRefused
	}
	if err != nil {
		return nil, fmt.Errorf("sign up: %w", err)
	}
	p.token = got.SignUp.Session.AccessToken
	return p, nil
}

// send asks a question in a new chat, under one clientMutationId until there is an
// answer, and returns the run.
func (p *person) send(ctx context.Context, name, manner string) (runID string, err error) {
	err = insist(ctx, func() error {
		runID, err = p.try(ctx, name+" "+manner)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("send %s: %w", name, err)
	}
	return runID, nil
}

// try asks a question once. Its clientMutationId is the question.
func (p *person) try(ctx context.Context, name string) (runID string, err error) {
	var got struct {
		SendMessage struct {
			Run    *struct{ ID string }
			Errors []struct{ Code string }
		}
	}
	if err := p.do(ctx, `mutation($t: String!, $m: String!) { sendMessage(input: {text: $t, clientMutationId: $m}) {
		run { id } errors { ... on UserError { code } } } }`,
		map[string]any{"t": "Please ask-" + name, "m": strings.Fields(name)[0]}, &got); err != nil {
		return "", err
	}
	if got.SendMessage.Run == nil {
		return "", fmt.Errorf("%w: %v", errRefused, got.SendMessage.Errors)
	}
	return got.SendMessage.Run.ID, nil
}

// stop asks for the end of a run, through the node that answers at url.
func (p *person) stop(ctx context.Context, url, runID string) error {
	through := &person{url: url, token: p.token}
	var got struct {
		StopRun struct{ Run *struct{ ID string } }
	}
	err := through.do(ctx, `mutation($r: ID!) { stopRun(input: {runId: $r}) { run { id } } }`, map[string]any{"r": runID}, &got)
	if err == nil && got.StopRun.Run == nil {
		err = errRefused
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", runID, err)
	}
	return nil
}
