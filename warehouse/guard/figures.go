package guard

import (
	"fmt"
	"math"
	"math/bits"
)

const (
	mib = int64(1) << 20
	tib = int64(1) << 40
)

// Micros is the price of bytes in millionths of a US dollar, rounded up.
func Micros(bytes, perTiB int64) int64 {
	if bytes <= 0 || perTiB <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(bytes), uint64(perTiB))
	lo, carry := bits.Add64(lo, uint64(tib-1), 0)
	hi += carry
	if hi >= uint64(tib)>>1 {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(hi, lo, uint64(tib))
	return int64(quotient)
}

// affordable is how many bytes cost no more than micros.
func affordable(micros, perTiB int64) int64 {
	hi, lo := bits.Mul64(uint64(micros), uint64(tib))
	if hi >= uint64(perTiB)>>1 {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(hi, lo, uint64(perTiB))
	return int64(quotient)
}

// Price writes millionths of a US dollar for people: "US$ 0.0063".
func Price(micros int64) string {
	if micros%10_000 == 0 || micros >= 1_000_000 {
		return fmt.Sprintf("US$ %.2f", float64(micros)/1e6)
	}
	return fmt.Sprintf("US$ %.4f", math.Ceil(float64(micros)/100)/10_000)
}
