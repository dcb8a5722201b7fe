package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/tokens"
	"github.com/mark-analyst/mark/llm"
	"github.com/mark-analyst/mark/llm/modellist"
	"github.com/mark-analyst/mark/llm/offline"
)

// The offline analyst's name, and the address that its wire format is spoken
// to: it answers in this process, and the name can never resolve (RFC 2606).
const (
	offlineName = "offline-analyst"
	offlineURL  = "http://offline.invalid/v1"
)

// modelSet makes models of what is configured.
type modelSet struct {
	clock  clock.Clock
	logger *slog.Logger

	counter   tokens.Counter
	models    []agent.Model
	endpoints []*llm.Endpoint
}

// openModels makes the models that people can choose: that of the MARK_LLM_
// settings first, then those of the list, the offline analyst always. The counter is
// for endpoints that do not say what they were sent.
func openModels(c Config, counter tokens.Counter, now clock.Clock, logger *slog.Logger) ([]agent.Model, func(context.Context) error, error) {
	set := &modelSet{clock: now, logger: logger, counter: counter}
	var listed []modellist.Entry
	if c.Models != "" {
		var err error
		if listed, err = modellist.Load(c.Models, os.LookupEnv); err != nil {
			return nil, nil, err
		}
	}
	if c.LLM.used(len(listed) > 0) {
		if err := set.addDefault(c.LLM); err != nil {
			return nil, nil, err
		}
	}
	if err := set.addListed(listed); err != nil {
		return nil, nil, err
	}
	analyst, err := set.endpoint(llm.Config{BaseURL: offlineURL, Model: offlineName, HTTPClient: &http.Client{Transport: offline.New()}})
	if err != nil {
		return nil, nil, err
	}
	set.models = append(set.models, agent.Model{Name: offlineName, Offline: true, LLM: analyst})
	return set.models, set.close, nil
}

// used tells whether the settings name a model. Beside a list they do so by its
// name: a key or an address alone may be there for one of the list.
func (c LLMConfig) used(beside bool) bool {
	return c.Model != "" || !beside && (c.BaseURL != "" || c.APIKey != "")
}

func (s *modelSet) addDefault(c LLMConfig) error {
	c, err := c.complete()
	if err != nil {
		return err
	}
	endpoint, err := s.endpoint(llm.Config{
		BaseURL: c.BaseURL, APIKey: c.APIKey, Model: c.Model, Format: llm.Format(c.API), ContextTokens: c.Context, ReplyTokens: c.Reply,
	})
	if err != nil {
		return err
	}
	s.models = append(s.models, agent.Model{
		Name: c.Model, ContextTokens: c.Context, ReplyTokens: c.Reply,
		LLM: s.evened(endpoint, llm.ToolsUnknown),
	})
	return nil
}

// addListed makes the models of the list, those that others fall back to first.
func (s *modelSet) addListed(entries []modellist.Entry) error {
	taken := map[string]string{offlineName: "the offline analyst"}
	for _, m := range s.models {
		taken[m.Name] = "MARK_LLM_MODEL"
	}
	alone := map[string]llm.Model{}
	second := map[string]string{}
	for _, e := range entries {
		if by, ok := taken[e.Name]; ok {
			return fmt.Errorf("MARK_MODELS: model %q: %s has the same name", e.Name, by)
		}
		endpoint, err := s.endpoint(llm.Config{
			Entry: e.Name, BaseURL: e.BaseURL, APIKey: e.APIKey, Model: e.Model, Format: e.Format, ContextTokens: e.ContextTokens, ReplyTokens: e.ReplyTokens,
		})
		if err != nil {
			return err
		}
		alone[e.Name] = s.evened(endpoint, e.Tools)
		second[e.Name] = e.Fallback
	}
	whole := map[string]llm.Model{}
	var chain func(name string) llm.Model
	chain = func(name string) llm.Model { // the list was checked: it ends
		if whole[name] == nil {
			whole[name] = alone[name]
			if next := second[name]; next != "" {
				whole[name] = &llm.Fallback{First: alone[name], Second: chain(next), SecondName: next, Clock: s.clock, Log: s.logger}
			}
		}
		return whole[name]
	}
	for _, e := range entries {
		s.models = append(s.models, agent.Model{Name: e.Name, LLM: chain(e.Name), ContextTokens: e.ContextTokens, ReplyTokens: e.ReplyTokens, Prices: e.Prices})
	}
	return nil
}

// evened makes up for what an endpoint does not do itself.
func (s *modelSet) evened(endpoint *llm.Endpoint, does llm.Tools) llm.Model {
	return llm.NewCounted(llm.NewFenced(endpoint, does, ids.For("call"), s.logger), s.counter)
}

func (s *modelSet) endpoint(config llm.Config) (*llm.Endpoint, error) {
	config.Clock, config.Log = s.clock, s.logger
	endpoint, err := llm.New(config)
	if err == nil {
		s.endpoints = append(s.endpoints, endpoint)
	}
	return endpoint, err
}

func (s *modelSet) close(context.Context) error {
	for _, e := range s.endpoints {
		e.Close()
	}
	return nil
}

// modelInfo is a model as `server` tells of it.
func modelInfo(m agent.Model) *model.Model {
	info := &model.Model{Name: m.Name, Offline: m.Offline}
	if m.ContextTokens > 0 {
		info.ContextTokens = &m.ContextTokens
	}
	return info
}
