//! What the compose file may say, and what ours must.
//!
//! The types are the part of the Compose specification that we use: a word that is not in them, or a
//! value of another type, is an error.

use crate::file;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use yaml_serde::Value;

/// Everything that must be given, as somebody may give it.
const GIVEN: [(&str, &str); 2] = [
    ("COMMONS_SECRET", "0123456789abcdef0123456789abcdef"),
    ("POSTGRES_PASSWORD", "a1b2c3"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compose {
    pub(crate) name: String,
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) networks: BTreeMap<String, Network>,
    pub(crate) volumes: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    #[serde(default)]
    pub(crate) internal: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) build: Option<Build>,
    pub(crate) image: String,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) depends_on: BTreeMap<String, Dependency>,
    pub(crate) healthcheck: HealthCheck,
    #[serde(default)]
    pub(crate) ports: Vec<String>,
    pub(crate) networks: BTreeSet<String>,
    #[serde(default)]
    pub(crate) volumes: Vec<String>,
    #[serde(default)]
    pub(crate) tmpfs: Vec<String>,
    pub(crate) restart: Restart,
    pub(crate) read_only: bool,
    pub(crate) security_opt: Vec<String>,
    #[serde(default, rename = "cap_drop")]
    pub(crate) dropped: Vec<String>,
    #[serde(rename = "logging")]
    _logging: Logging,
    #[serde(rename = "shm_size")]
    _shm_size: Option<String>,
    #[serde(rename = "stop_grace_period")]
    _stop_grace_period: Option<String>,
    #[serde(rename = "user")]
    _user: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    pub(crate) context: String,
    pub(crate) args: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    pub(crate) condition: Condition,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    ServiceHealthy,
    ServiceCompletedSuccessfully,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Restart {
    No,
    UnlessStopped,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthCheck {
    #[serde(default)]
    pub(crate) disable: bool,
    #[serde(default)]
    pub(crate) test: Vec<String>,
    #[serde(rename = "interval")]
    _interval: Option<String>,
    #[serde(rename = "timeout")]
    _timeout: Option<String>,
    #[serde(rename = "retries")]
    _retries: Option<u32>,
    #[serde(rename = "start_period")]
    _start_period: Option<String>,
    #[serde(rename = "start_interval")]
    _start_interval: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Logging {
    #[serde(rename = "driver")]
    _driver: String,
    #[serde(rename = "options")]
    _options: BTreeMap<String, String>,
}

/// The file with what is given put in, as an engine reads it.
pub(crate) fn compose() -> Compose {
    read(&file("docker-compose.yml"), &GIVEN).unwrap()
}

/// An error is that something is not given, or that the file says what no engine understands.
fn read(text: &str, given: &[(&str, &str)]) -> Result<Compose, String> {
    let mut value: Value = yaml_serde::from_str(text).unwrap();
    // What is merged may itself have something to merge.
    let mut before = Value::Null;
    while before != value {
        before = value.clone();
        value.apply_merge().unwrap();
    }
    put_in(&mut value, given)?;
    // What begins so is the author's own, to be named elsewhere.
    let root = value.as_mapping_mut().unwrap();
    root.retain(|key, _| !key.as_str().unwrap().starts_with("x-"));
    yaml_serde::from_value(value).map_err(|error| error.to_string())
}

/// Puts what is given into every text; keys are taken as they are.
fn put_in(value: &mut Value, given: &[(&str, &str)]) -> Result<(), String> {
    match value {
        Value::String(text) => *text = interpolated(text, given)?,
        Value::Sequence(values) => values.iter_mut().try_for_each(|value| put_in(value, given))?,
        Value::Mapping(values) => values.values_mut().try_for_each(|value| put_in(value, given))?,
        _ => {}
    }
    Ok(())
}

/// Puts in `${NAME:-default}` and `${NAME:?why}`; without a value for the latter its text is the error.
fn interpolated(text: &str, given: &[(&str, &str)]) -> Result<String, String> {
    let (mut rest, mut done) = (text, String::new());
    while let Some((before, after)) = rest.split_once("${") {
        let (inner, behind) = after.split_once('}').unwrap();
        let at = inner
            .find(':')
            .unwrap_or_else(|| panic!("${{{inner}}} says nothing of its absence"));
        let (name, or) = inner.split_at(at);
        let value = given
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| *value);
        done.push_str(before);
        done.push_str(match (value, or.split_at(2)) {
            (Some(value), _) => value,
            (None, (":-", default)) => default,
            (None, (":?", why)) => return Err(why.to_owned()),
            (None, _) => panic!("{inner}"),
        });
        rest = behind;
    }
    assert!(!rest.contains('$'), "a variable without braces");
    Ok(done + rest)
}

#[test]
fn secrets_have_no_default() {
    let text = file("docker-compose.yml");
    for left_out in 0..GIVEN.len() {
        let mut given = GIVEN.to_vec();
        let (name, _) = given.remove(left_out);
        assert!(read(&text, &given).is_err(), "{name} is not asked for");
    }
    for (_, value) in GIVEN {
        assert!(!text.contains(value));
    }
}

#[test]
fn every_service_is_there_and_locked_up() {
    let compose = compose();
    assert_eq!(compose.name, "commons");
    let names: Vec<&str> = compose.services.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "channel-service",
            "gateway",
            "message-service",
            "migrate",
            "postgres",
            "redis",
            "user-service"
        ]
    );
    for (name, service) in &compose.services {
        assert!(service.read_only, "{name}");
        assert!(service.tmpfs.iter().all(|path| path.starts_with('/')), "{name}");
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        // The image of PostgreSQL begins as root and needs some to become another user.
        assert_eq!(service.dropped == ["ALL"], name != "postgres", "{name}");
        let ends = name == "migrate";
        assert_eq!(service.restart == Restart::No, ends, "{name}");
        assert_eq!(service.healthcheck.disable, ends, "{name}");
        assert_eq!(service.healthcheck.test.is_empty(), ends, "{name}");
        for network in &service.networks {
            assert!(compose.networks.contains_key(network), "{name}: {network}");
        }
        for volume in &service.volumes {
            let (volume, _) = volume.split_once(':').unwrap();
            assert!(compose.volumes.contains_key(volume), "{name}: {volume}");
        }
    }
}

#[test]
fn only_the_gateway_is_published() {
    let compose = compose();
    for (name, service) in &compose.services {
        let is_gateway = name == "gateway";
        assert_eq!(!service.ports.is_empty(), is_gateway, "{name}");
        let is_outside = service
            .networks
            .iter()
            .any(|network| !compose.networks[network].internal);
        assert_eq!(is_outside, is_gateway, "{name}");
    }
    // To this machine alone until somebody says otherwise.
    assert_eq!(compose.services["gateway"].ports, ["127.0.0.1:8000:8000"]);
}

#[test]
fn each_waits_for_what_it_needs() {
    let compose = compose();
    for (name, service) in &compose.services {
        for (other, dependency) in &service.depends_on {
            let waits = match other.as_str() {
                "migrate" => Condition::ServiceCompletedSuccessfully,
                other => {
                    assert!(
                        !compose.services[other].healthcheck.disable,
                        "{other} is never healthy"
                    );
                    Condition::ServiceHealthy
                }
            };
            assert_eq!(dependency.condition, waits, "{name} waits for {other}");
        }
        let needs: &[&str] = match name.as_str() {
            "postgres" | "redis" => &[],
            "migrate" => &["postgres"],
            "gateway" => &["channel-service", "message-service", "user-service"],
            _ => &["migrate", "postgres", "redis"],
        };
        assert!(
            service.depends_on.keys().eq(needs),
            "{name}: {:?}",
            service.depends_on
        );
    }
}

#[test]
fn what_no_engine_understands_is_found() {
    let text = file("docker-compose.yml");
    for (right, wrong) in [
        ("restart: unless-stopped", "restarts: unless-stopped"),
        ("condition: service_healthy", "condition: service_well"),
        ("read_only: true", "read_only: perhaps"),
    ] {
        let mistaken = text.replacen(right, wrong, 1);
        assert_ne!(mistaken, text);
        assert!(read(&mistaken, &GIVEN).is_err(), "{wrong}");
    }
}
