package sandboxtest

import (
	"strconv"
	"strings"
)

// repeat joins n texts, each made of its number.
func repeat(n int, text func(i string) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(strconv.Itoa(i)))
	}
	return b.String()
}
