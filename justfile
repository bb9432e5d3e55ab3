# What whoever changes Commons runs. `just check` is what CI checks.

# Everything CI checks, in its order.
check: fmt lint deny schema test

# The code is formatted.
fmt:
    cargo fmt --all --check

# No warnings anywhere.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Licences and sources of dependencies.
deny:
    cargo deny check licenses bans sources

# The committed supergraph is what the committed schemas compose to.
schema:
    cd schema && npm ci --silent && npm run --silent check

# Every test.
test:
    cargo test

# Exports the schemas and composes the supergraph anew.
compose:
    cargo run -- schema schema
    cd schema && npm ci --silent && npm run --silent compose

# Builds the GraphiQL bundle anew.
graphiql:
    cd web && npm ci --silent && npm run --silent build
