//! `commons`: serves the platform, or does one of the jobs around it.

use anyhow::Context;
use clap::{Parser, Subcommand};
use commons::{DataLock, Server, import, migrate, schema};
use commons_platform::{config::Config, process, telemetry};
use std::{path::PathBuf, process::ExitCode};

/// A self-hosted communication platform behind one GraphQL API.
///
/// Without a command it serves. Settings come from commons.toml (or the file that COMMONS_CONFIG
/// names) and from the environment; see platform/src/default.toml for all of them.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the platform until SIGTERM or Ctrl-C.
    Serve,
    /// Brings the database's schema up to date and ends. Serving does the same first; services that
    /// are processes of their own only check it.
    Migrate,
    /// Brings a community in from another platform.
    Import {
        #[command(subcommand)]
        source: Source,
    },
    /// Writes the subgraphs' schemas into a folder, for those who develop Commons.
    #[command(hide = true)]
    Schema {
        /// The folder.
        folder: PathBuf,
    },
}

#[derive(Subcommand)]
enum Source {
    /// A Slack export, the zip as Slack gives it.
    ///
    /// Everybody in it becomes a placeholder that they can take over later. What was imported before
    /// is skipped, so it can be run again: after an interruption, or with a newer export. Ends with
    /// 0 when everything was imported, 2 when some records were skipped, 1 when nothing was done.
    Slack {
        /// The zip.
        file: PathBuf,
        /// The guild to import into; founded when the owner has none of this name.
        #[arg(long)]
        guild: String,
        /// The username of its owner, who must have registered.
        #[arg(long)]
        owner: String,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli.command.unwrap_or(Command::Serve)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("commons: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Schema { folder } = &command {
        schema::write(folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load()?;
    let _telemetry = telemetry::start("commons", &config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Import {
                source: Source::Slack { file, guild, owner },
            } => import::slack(config, &file, &guild, &owner).await,
            Command::Migrate => {
                let _lock = DataLock::take(&config)?;
                migrate(&config).await.map(|()| ExitCode::SUCCESS)
            }
            Command::Serve | Command::Schema { .. } => serve(config).await,
        }
    })
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    process::raise_file_limit();
    let stop = process::ending().context("no signal handler")?;
    let server = Server::start(config).await?;
    eprintln!(
        "Commons is at http://{} (GraphiQL, /graphql, /graphql/ws); Ctrl-C stops it",
        server.address()
    );
    server.run(stop).await?;
    Ok(ExitCode::SUCCESS)
}
