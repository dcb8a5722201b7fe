package main

import "github.com/goccy/go-googlesql"

// language is GoogleSQL as BigQuery has it.
func language() (*googlesql.LanguageOptions, error) {
	l, err := googlesql.NewLanguageOptions()
	if err != nil {
		return nil, err
	}
	if err := l.EnableMaximumLanguageFeatures(); err != nil {
		return nil, err
	}
	if err := l.SetSupportsAllStatementKinds(); err != nil {
		return nil, err
	}
	if err := l.SetProductMode(googlesql.ProductModeProductExternal); err != nil {
		return nil, err
	}
	return l, l.EnableReservableKeyword("QUALIFY", true)
}
