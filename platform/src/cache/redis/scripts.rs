//! The scripts: what Redis does for one row, or one guard, at a time.
//!
//! That a server knows `get` proves more than that: see [`Scripts::get`].

use super::{GUARD, LEASE, TOMBSTONE};

/// A script and the name that Redis knows it by.
pub(super) struct Script {
    pub(super) code: String,
    pub(super) hash: String,
}

/// Every script, with this program's figures in it.
pub(super) struct Scripts {
    /// Looks a row up. Its text names the namespace, and it is loaded only after every guard was turned;
    /// a server forgets its scripts when it restarts and a replica has none of its master's. So who
    /// finds it loaded knows that the server neither came back with old values nor took the place of
    /// another one without all guards having been turned since.
    pub(super) get: Script,
    pub(super) fill: Script,
    pub(super) tombstone: Script,
    pub(super) settle: Script,
    pub(super) remove: Script,
    /// Gives a guard another generation.
    pub(super) turn: Script,
}

impl Scripts {
    pub(super) fn new(namespace: &str) -> Self {
        let row = |body: &str| script(&format!("{}\n{body}", include_str!("row.lua")));
        Self {
            get: row(&format!("-- {namespace}\n{}", include_str!("get.lua"))),
            fill: row(include_str!("fill.lua")),
            tombstone: row(include_str!("tombstone.lua")),
            settle: row(include_str!("settle.lua")),
            remove: row(include_str!("remove.lua")),
            turn: script(include_str!("turn.lua")),
        }
    }
}

fn script(body: &str) -> Script {
    let figures = [("GUARD", GUARD), ("LEASE", LEASE), ("TOMBSTONE", TOMBSTONE)];
    let figures = figures.map(|(name, time)| format!("local {name} = {}\n", time.as_millis()));
    let code = figures.concat() + body;
    let hash = ::redis::Script::new(&code).get_hash().to_owned();
    Script { code, hash }
}
