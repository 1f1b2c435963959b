"""`make smoke`: a stack from nothing to answered requests, in a namespace of its own with nothing but `lo`.

The harness, from the outside in: `namespace` (a place where pods may be dialled), `stage` (control plane and
`pulumi up` in there), `site` (real picker, real Envoy and simulated engines in the place of containers), `wiring` (pod
and Service addresses). What is asked of it stands in `operate.verify`, which asks the same of any cluster, and in the
checks here, which only a simulated site can stand: pods killed, pickers killed, one pod made busy.
"""
