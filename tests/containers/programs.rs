//! The programs, told what their containers tell them.

use crate::{
    compose::{Service, compose},
    image::healthy,
};
use commons_platform::config::Config;
use commons_testing::database::ServerDatabase;
use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::interval;

const PATIENCE: Duration = Duration::from_secs(60);
const LISTENS: [&str; 2] = ["COMMONS_SERVICES__LISTEN", "COMMONS_GATEWAY__LISTEN"];

/// The services that are programs of this workspace.
fn programs() -> BTreeMap<String, Service> {
    let mut services = compose().services;
    services.retain(|_, service| service.build.is_some());
    services
}

/// Where a service listens in its container.
fn listens(service: &Service) -> Option<&str> {
    let mut all = LISTENS
        .into_iter()
        .filter_map(|name| service.environment.get(name));
    let one = all.next()?;
    assert!(all.next().is_none(), "it listens twice");
    Some(one)
}

/// A program beside `commons`, which `cargo test` and `cargo build --workspace` make.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_commons")).with_file_name(name);
    assert!(
        path.is_file(),
        "there is no {name}: run `cargo build --workspace` first"
    );
    path
}

/// `commons migrate` over a new SQLite file, with a service's settings otherwise.
fn migrate(service: &Service, extra: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(program("commons"));
    command.arg("migrate").current_dir(&folder).env_clear();
    command.envs(&service.environment).envs(extra.iter().copied());
    command.env("COMMONS_DATA_DIR", folder.path());
    command.env(
        "DATABASE_URL",
        format!("sqlite:{}/commons.db", folder.path().display()),
    );
    command.output().unwrap()
}

#[test]
fn every_variable_is_a_setting() {
    for (name, service) in programs() {
        let done = migrate(&service, &[]);
        assert!(
            done.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        let done = migrate(&service, &[("COMMONS_COLOUR", "green")]);
        assert!(!done.status.success(), "{name} takes what is no setting");
    }
}

#[test]
fn it_is_production_on_servers() {
    for (name, service) in programs() {
        let of = |variable: &str| service.environment.get(variable).map_or("", String::as_str);
        assert_eq!(of("COMMONS_ENV"), "production", "{name}");
        assert_eq!(of("COMMONS_SECRET"), "0123456789abcdef0123456789abcdef", "{name}");
        // The gateway asks the services and nobody else.
        let (database, redis) = match name.as_str() {
            "gateway" => ("", ""),
            _ => ("postgres://commons:a1b2c3@postgres/commons", "redis://redis"),
        };
        assert_eq!((of("DATABASE_URL"), of("REDIS_URL")), (database, redis), "{name}");
    }
}

#[test]
fn each_is_where_the_others_look_for_it() {
    let defaults = Config::from_toml("").unwrap();
    let places = [
        ("user-service", "USER", defaults.services.user_url),
        ("channel-service", "CHANNEL", defaults.services.channel_url),
        ("message-service", "MESSAGE", defaults.services.message_url),
    ];
    let programs = programs();
    for (name, word, default) in places {
        let (_, port) = default.rsplit_once(':').unwrap();
        assert_eq!(listens(&programs[name]), Some(format!("0.0.0.0:{port}").as_str()));
        for (other, service) in &programs {
            let told = service.environment.get(&format!("COMMONS_SERVICES__{word}_URL"));
            assert_eq!(told, Some(&format!("http://{name}:{port}")), "{other}");
        }
    }
    let gateway = &programs["gateway"];
    let port = defaults.gateway.listen.port();
    assert_eq!(listens(gateway), Some(format!("0.0.0.0:{port}").as_str()));
    assert!(gateway.ports[0].ends_with(&format!(":{port}")));
    assert_eq!(listens(&programs["migrate"]), None);
    assert_eq!(programs["migrate"].command, ["migrate"]);
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The programs with the variables of their containers, but for the hosts: each becomes well, by the very
/// check that its container has. Needs PostgreSQL and Redis.
#[tokio::test]
async fn each_starts_and_is_well() {
    let (Ok(server), Ok(redis)) = (
        std::env::var("TEST_DATABASE_URL"),
        std::env::var("TEST_REDIS_URL"),
    ) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let database = ServerDatabase::migrated(&server).await;
    let mut programs = programs();
    programs.remove("migrate");
    // All are taken before the first is given back.
    let taken: Vec<TcpListener> = programs
        .keys()
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let ports = taken.iter().map(|listener| listener.local_addr().unwrap().port());
    let ports: BTreeMap<String, u16> = programs.keys().cloned().zip(ports).collect();
    drop(taken);
    let mut running = Vec::new();
    for (name, service) in &mut programs {
        let environment = &mut service.environment;
        for (variable, value) in environment.iter_mut() {
            match variable.as_str() {
                "DATABASE_URL" => *value = database.url(),
                "REDIS_URL" => value.clone_from(&redis),
                "COMMONS_GATEWAY__ADMIN_LISTEN" => "127.0.0.1:0".clone_into(value),
                listens if LISTENS.contains(&listens) => *value = format!("127.0.0.1:{}", ports[name]),
                _ => {
                    for (other, port) in &ports {
                        let (host, there) = (format!("//{other}:"), format!("//127.0.0.1:{port}"));
                        if value.contains(&host) {
                            *value = format!("http:{there}");
                        }
                    }
                }
            }
        }
        // Nobody else's keys on the same Redis.
        let namespace = format!("containers{}", std::process::id());
        environment.insert("COMMONS_REDIS__NAMESPACE".to_owned(), namespace);
        environment.insert(
            "COMMONS_DATA_DIR".to_owned(),
            folder.path().join(name).display().to_string(),
        );
        let log = std::fs::File::create(folder.path().join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(program(name));
        command.env_clear().envs(&*environment).current_dir(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        running.push(Running(command.spawn().unwrap()));
    }
    let deadline = Instant::now() + PATIENCE;
    let mut tick = interval(Duration::from_millis(100));
    for (name, service) in &programs {
        let check: Vec<&str> = service.healthcheck.test.iter().map(String::as_str).collect();
        let [_, _, arguments @ ..] = check.as_slice() else {
            panic!("{name}: {check:?}")
        };
        assert_eq!(&check[..2], ["CMD", "healthy"], "{name}");
        let environment: Vec<(&str, String)> = LISTENS
            .into_iter()
            .filter_map(|variable| Some((variable, service.environment.get(variable)?.clone())))
            .collect();
        while !healthy(folder.path(), &environment, arguments) {
            let log = std::fs::read_to_string(folder.path().join(format!("{name}.log"))).unwrap();
            assert!(Instant::now() < deadline, "{name} is not well:\n{log}");
            tick.tick().await;
        }
        assert!(
            !healthy(folder.path(), &environment, &["/nothing"]),
            "{name} has every path"
        );
    }
}
