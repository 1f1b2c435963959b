"""Policy as code: what must not pass a preview, judged by one set of pure checks.

`checks/` holds the rules as pure functions. They are used in three places: by the components' own validation, where a
rule is never negotiable; by the pack (`python -m pulumi.policy`, through `__main__`), on what the engine is about to
do; and by `python -m policy.manifests`, on YAML. The folder stands alone: it imports nothing of the program, so that
it can be published as a pack.
"""
