// The Kubernetes provider's own main embeds generated files that its Go module
// does not carry. Running programs needs none of them: the engine asks the
// provider for a schema only to generate SDKs, so an empty one is enough.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

func main() {
	provider.Serve("kubernetes", "4.18.2", []byte(`{"name":"kubernetes"}`), nil)
}
