//! The subgraphs' SDLs as they are committed in `schema/`; `npm run compose` there makes one of them.

use std::{fs, io, path::Path};

/// The SDL of every subgraph by its file's name.
pub fn subgraphs() -> [(&'static str, String); 4] {
    [
        ("channel.graphql", commons_channel::sdl()),
        ("message.graphql", commons_message::sdl()),
        ("node.graphql", commons_gateway::node_sdl()),
        ("user.graphql", commons_user::sdl()),
    ]
}

/// Writes the SDLs into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path) -> io::Result<()> {
    subgraphs()
        .into_iter()
        .try_for_each(|(name, sdl)| fs::write(folder.join(name), sdl))
}
