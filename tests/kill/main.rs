//! The kill test: `cargo test --test kill -- --seconds 60 --seed 1`.
//!
//! It starts PostgreSQL, Redis and the services on free loopback ports, lets senders, actors and
//! subscribers work, and meanwhile kills, stops, pauses and restarts what they stand on and cuts their
//! connections, as a seed says. At the end every record of a client is compared with the database: 0 when
//! all agree and everything recovered in time, 1 otherwise.
//!
//! The programs are those of the last `cargo build --workspace --bins`. `cargo test` alone does not run it.
#![expect(clippy::print_stdout, reason = "its report is what this program is for")]

mod actor;
mod attempt;
mod catch_up;
mod client;
mod cluster;
mod deck;
mod fault;
mod ids;
mod ledger;
mod postgres;
mod process;
mod program;
mod proxy;
#[path = "../e2e/harness/random.rs"]
mod random;
mod recovery;
mod redis;
mod report;
mod run;
mod sender;
mod socket;
mod subscriber;
mod verify;
mod world;

use clap::{Parser, ValueEnum};
use std::process::ExitCode;

/// Kills what the platform stands on, and compares what its clients were told with the database.
#[derive(Parser, Debug, Clone)]
struct Cli {
    /// How long faults happen.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Which faults, in which order; a random one when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Which processes.
    #[arg(long, value_enum, default_value_t = Shape::Separate)]
    shape: Shape,
    /// How many send.
    #[arg(long, default_value_t = 16)]
    senders: usize,
    /// How many edit, delete and react besides.
    #[arg(long, default_value_t = 4)]
    actors: usize,
    /// How many follow a channel, over all gateways.
    #[arg(long, default_value_t = 12)]
    subscribers: usize,
    /// How many channels, over three guilds.
    #[arg(long, default_value_t = 12)]
    channels: usize,
    /// How long somebody rests between two messages, in milliseconds.
    #[arg(long, default_value_t = 50)]
    rest: u64,
    /// Runs without Redis.
    #[arg(long)]
    without_redis: bool,
    /// Keeps the logs when all is well, too.
    #[arg(long)]
    keep: bool,
}

/// Which processes the platform is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// user-service, channel-service, two of message-service, two gateways.
    Separate,
    /// `commons`, which has all inside.
    Single,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run::run(cli)));
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("The kill test could not be run: {error:#}");
            ExitCode::FAILURE
        }
    }
}
