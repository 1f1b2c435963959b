"""The lab's AWS: moto behind a stand-in for `pulumi-resource-aws`, so that the real engine runs stacks on EKS.

The program does not know it: the engine finds the stand-in where it would find the real plug-in, and the stand-in alone
knows that the API is moto's, on loopback. What moto lacks is kept in a store of the stand-in's own. The endpoint of an
emulated cluster is the lab's API server, and the nodes of its node groups are the lab's simulated nodes.

It proves order, diffs, drift and references. It cannot prove that AWS takes an input, has the capacity, or that a real
node joins: nothing here ever spoke to AWS.
"""
