//! The process as the system sees it, in Prometheus' text format and under its usual names.
//!
//! Read from `/proc` when the metrics are; elsewhere than on Linux there are none.

use std::{fmt::Write, fs};

/// `/proc` counts time in hundredths of a second on every processor we run on.
const TICKS: f64 = 100.0;

/// Memory, files, processor time and start.
pub(super) fn text() -> String {
    let mut text = String::new();
    let mut tell = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a String does not fail.
            let _written = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
            );
        }
    };
    let stat = Stat::read();
    let stat = stat.as_ref();
    tell(
        "process_resident_memory_bytes",
        "gauge",
        "Memory in RAM.",
        kilobytes("VmRSS:").map(|kilobytes| kilobytes * 1024.0),
    );
    tell(
        "process_open_fds",
        "gauge",
        "Open files and connections.",
        fs::read_dir("/proc/self/fd")
            .ok()
            .map(|entries| entries.count() as f64),
    );
    tell(
        "process_max_fds",
        "gauge",
        "How many files and connections may be open.",
        rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .current
            .map(|most| most as f64),
    );
    tell(
        "process_threads",
        "gauge",
        "Threads of the system.",
        stat.map(|stat| stat.threads),
    );
    tell(
        "process_cpu_seconds_total",
        "counter",
        "Processor time, user and system.",
        stat.map(|stat| stat.cpu),
    );
    tell(
        "process_start_time_seconds",
        "gauge",
        "When the process started, in seconds since 1970.",
        stat.and_then(|stat| Some(booted()? + stat.started)),
    );
    text
}

/// A line of `/proc/self/status` in kB.
fn kilobytes(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// When the system started, in seconds since 1970.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

/// What `/proc/self/stat` says; times in seconds.
struct Stat {
    cpu: f64,
    threads: f64,
    /// Since the system started.
    started: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name may hold spaces and parentheses; what follows the last one is field 3 and on.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu: (field(14)? + field(15)?) / TICKS,
            threads: field(20)?,
            started: field(22)? / TICKS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_is_no_trouble() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12345 1 2 3";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.cpu, stat.threads, stat.started), (3.0, 9.0, 123.45));
    }
}
