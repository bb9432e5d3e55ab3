# What whoever changes Commons runs. `just check` is what CI checks.

# Everything CI checks, in its order.
check: fmt lint deny schema test test-servers test-separate kill clients

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

# Every test on PostgreSQL and Redis of their own.
test-servers:
    testing/with-services cargo test

# End to end with a process for each service, two for messages and two gateways.
test-separate:
    cargo build --workspace --bins
    TEST_SHAPE=separate testing/with-services cargo test --test e2e

# Kills, stops and cuts everything for a while, then compares every record.
kill seconds="60" seed="7":
    cargo build --workspace --bins
    cargo test --test kill -- --seconds {{seconds}} --seed {{seed}} --senders 16 --subscribers 200

# graphql-ws, Apollo Client, urql and graphql-sse against instances of their own.
clients:
    cargo build
    web/clients/run

# Exports the schemas and composes the supergraph anew.
compose:
    cargo run -- schema schema
    cd schema && npm ci --silent && npm run --silent compose

# Builds the GraphiQL bundle anew.
graphiql:
    cd web && npm ci --silent && npm run --silent build
