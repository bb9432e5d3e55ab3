//! The containers without an engine: `docker-compose.yml`, the `Dockerfile` and `.dockerignore` against
//! each other, the workspace and the programs.
//!
//! What only an engine can tell, that the images build and talk to each other, is not tested here.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected must fail")]

mod compose;
mod image;
mod programs;

use std::path::Path;

/// A file of the workspace.
fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}
