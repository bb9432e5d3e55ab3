//! The figures of `docs/BENCHMARKS.md`: `cargo bench --bench chat -- [section …] [--idle SECONDS]`.
//!
//! Sections are `sends`, `page`, `live` and `memory`; without one all of them run, in less than three
//! minutes. Each starts the real server binary on a free loopback port and a data folder of its own.
//! `servers` is asked for by name, under `testing/with-services`: it starts every service as a process of
//! its own, which `cargo build --release --workspace --bins` makes, on PostgreSQL and Redis. `edge` is
//! asked for by name too, as a whole or by its parts, `deliver`, `spread`, `idle`, `paused`, `reconnect`; it takes
//! three minutes and 10,000 connections. All measure from outside, check that what they counted is true,
//! and print Markdown tables. No figure is judged here: the document says what is expected.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

mod client;
mod edge;
mod live;
mod load;
mod memory;
mod page;
mod process;
mod sends;
mod servers;
mod sql;
mod table;
mod world;

use anyhow::{Context, bail};
use std::time::Duration;

/// What needs no other server.
const EMBEDDED: [&str; 4] = ["sends", "page", "live", "memory"];
const SERVERS: &str = "servers";
const EDGE: &str = "edge";
const IDLE: Duration = Duration::from_secs(60);

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments
        .peek()
        .is_some_and(|argument| argument == edge::COPY_FRAMES)
    {
        return edge::copy_frames();
    }
    let (mut sections, mut parts, mut idle, mut is_bench) = (Vec::new(), Vec::new(), IDLE, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => is_bench = true,
            "--idle" => {
                idle = Duration::from_secs(arguments.next().context("--idle wants seconds")?.parse()?)
            }
            name if [SERVERS, EDGE].contains(&name) || EMBEDDED.contains(&name) => sections.push(argument),
            name if edge::PARTS.contains(&name) => {
                sections.push(EDGE.to_owned());
                parts.push(argument);
            }
            other => bail!(
                "there is no section {other}; there are {EMBEDDED:?}, {SERVERS} and {EDGE} with {:?}",
                edge::PARTS
            ),
        }
    }
    if !is_bench {
        // `cargo test --all-targets` starts this too; an unoptimised server has no figures.
        return Ok(());
    }
    let named = |name: &str| sections.iter().any(|section| section == name);
    let wanted = |name: &str| sections.is_empty() || named(name);
    println!("Load before: {}", process::load_average()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if wanted("sends") {
            sends::run().await.context("sends")?;
        }
        if wanted("page") {
            page::run().await.context("page")?;
        }
        if wanted("live") {
            live::run().await.context("live")?;
        }
        if wanted("memory") {
            memory::run(idle).await.context("memory")?;
        }
        if named(SERVERS) {
            servers::run().await.context(SERVERS)?;
        }
        if named(EDGE) {
            edge::run(&parts).await.context(EDGE)?;
        }
        anyhow::Ok(())
    })?;
    println!("\nLoad after: {}", process::load_average()?);
    Ok(())
}
