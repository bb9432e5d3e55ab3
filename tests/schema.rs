//! `schema/` is what the subgraphs say of themselves now.

use std::{fs, path::Path};

#[test]
fn the_committed_schemas_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let behind: Vec<&str> = commons::schema::subgraphs()
        .into_iter()
        .filter(|(name, sdl)| fs::read_to_string(folder.join(name)).ok().as_deref() != Some(sdl))
        .map(|(name, _)| name)
        .collect();
    assert!(
        behind.is_empty(),
        "{behind:?} are behind: run `cargo run -- schema schema` and then `npm ci && npm run compose` in schema/"
    );
}
