// Google's crane, as its own module gives it, built with the hashes of go.sum.
package main

import (
	"os"

	"github.com/google/go-containerregistry/cmd/crane/cmd"
)

func main() {
	if err := cmd.New("crane", "measured against", nil).Execute(); err != nil {
		os.Exit(1)
	}
}
