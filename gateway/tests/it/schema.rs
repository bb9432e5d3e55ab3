//! The test supergraph is made from the test subgraphs.
//!
//! `UPDATE_SCHEMA=1 cargo test -p commons-gateway schema` writes the SDL files, and
//! `node schema/compose.mjs gateway/tests/it/schema` composes them.

use crate::{subgraphs, world};
use std::{fs, path::Path, sync::Arc};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn the_sdl_files_are_current() {
    let data = TempDir::new().unwrap();
    let platform = world::platform(&data).await;
    let state = Arc::new(subgraphs::State::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schema");
    for (name, sdl) in [
        (
            "message",
            subgraphs::message(platform.clone(), state.clone())
                .sdl()
                .to_owned(),
        ),
        ("node", commons_gateway::node_sdl()),
        ("user", subgraphs::user(platform, state).sdl().to_owned()),
    ] {
        let path = folder.join(format!("{name}.graphql"));
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &sdl).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            committed, sdl,
            "{name}.graphql is behind: see the head of this file"
        );
    }
}
