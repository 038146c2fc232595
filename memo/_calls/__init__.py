"""What a call is: its key, its canonical arguments, its signature, paths into it, and the secrets in it.

| question | module |
|---|---|
| the key of a call | `key_builder` (from arguments to a `Call`), `digest` (the hash) |
| the form in which arguments are hashed | `canonical` |
| what counts as a credential | `secrets`: by its name (`secret_names`), its shape (`secret_shapes`), or in a text (`secret_text`) |
| what a call has in the place of a credential | `credentials` |
"""

__all__: list[str] = []
