// Package units writes quantities for people.
package units

import (
	"fmt"
	"strings"
)

// Bytes is a size in the largest unit of which there is one: "1.5 GiB".
func Bytes(n int64) string {
	size, unit := float64(n), "bytes"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB", "PiB"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, next
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", size), ".0") + " " + unit
}
