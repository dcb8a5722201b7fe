package figure

import "testing"

func TestEmpty(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want bool
	}{
		"no traces":          {`{"data":[]}`, true},
		"empty lists":        {`{"data":[{"type":"scatter","x":[],"y":[],"name":"a"}]}`, true},
		"empty packed list":  {`{"data":[{"x":{"dtype":"i2","bdata":""},"y":{"dtype":"f8","bdata":""}}]}`, true},
		"null":               {`{"data":[{"x":null,"y":[]}]}`, true},
		"points":             {`{"data":[{"x":[1],"y":[2]}]}`, false},
		"packed points":      {`{"data":[{"x":{"dtype":"i2","bdata":"AQA="},"y":[]}]}`, false},
		"one of two":         {`{"data":[{"x":[]},{"labels":["a"],"values":[1]}]}`, false},
		"a histogram":        {`{"data":[{"type":"histogram","x":[1,2]}]}`, false},
		"a single indicator": {`{"data":[{"type":"indicator","value":0}]}`, false},
		"a trace unknown":    {`{"data":[{"type":"new","stuff":[1]}]}`, false},
		"no figure":          {`7`, false},
	} {
		if got := Empty([]byte(tc.raw)); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
