//! `gateway`: the public address, as a process of its own.
//!
//! Settings come from commons.toml (or the file that COMMONS_CONFIG names) and from the environment;
//! see platform/src/default.toml for all of them.

use commons_gateway::Standalone;
use commons_platform::{config::Config, process, telemetry};
use std::{error::Error, process::ExitCode};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("gateway: {error}");
            let causes = std::iter::successors(error.source(), |cause| (*cause).source());
            causes.for_each(|cause| eprint!(": {cause}"));
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    let config = Config::load()?;
    let _telemetry = telemetry::start("gateway", &config);
    process::raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let ending = process::ending()?;
        let gateway = Standalone::start(&config).await?;
        eprintln!(
            "gateway is at {}, its metrics at {}",
            gateway.address(),
            gateway.admin_address()
        );
        Ok(gateway.run(ending).await?)
    })
}
