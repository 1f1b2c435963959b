// The CRDs of gateway controllers that tests hold our objects against, at the
// versions of llm-d 0.9's guides. Only the modules' files are read: nothing
// here is compiled. Those of agentgateway and Envoy AI Gateway are in no module
// that can be had, and Google publishes its own nowhere.
module lab.local/crds-gateways

go 1.25.0

require (
	github.com/envoyproxy/gateway v1.8.1
	istio.io/istio v0.0.0-20260827124520-eed52ebb66ad
)
