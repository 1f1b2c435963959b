// The CRD bundles of release line v0.9. Only the modules' files are read:
// nothing here is compiled, so the requirements stop at the two bundles.
module lab.local/crds-v0.9

go 1.25.0

require (
	sigs.k8s.io/gateway-api v1.5.1
	sigs.k8s.io/gateway-api-inference-extension v1.5.0
)
