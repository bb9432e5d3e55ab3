//! What is printed: a line for each round, and the tables of the end.

use crate::{
    cluster::Cluster,
    fault::Clock,
    ledger::{Ledger, counted},
    run::{RECOVERY, Result},
};
use std::{collections::BTreeMap, os::unix::process::ExitStatusExt, time::Duration};

/// One round.
pub(crate) fn line(result: &Result) -> String {
    let round = &result.round;
    let meets = match &round.meets {
        Some((after, fault)) => format!(" and after {:.1} s {fault}", after.as_secs_f32()),
        None => String::new(),
    };
    let clock = match result.clock {
        Clock::Fault => "from the fault",
        Clock::End => "from its end",
    };
    let recovered = result.recovered;
    format!(
        "{}{meets}: {clock} send {}, event {}; from its end all gateways {}, all subscribers {}; latest event {}",
        round.fault,
        time(recovered.send),
        time(recovered.event),
        time(recovered.sends),
        time(recovered.events),
        time(Some(recovered.latest)),
    )
}

fn time(time: Option<Duration>) -> String {
    time.map_or("never".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
}

/// What processes did that nobody asked them to.
pub(crate) fn check_processes(cluster: &Cluster, ledger: &Ledger) {
    for process in cluster.all() {
        let name = &process.name;
        for exit in process.exits() {
            let status = exit.status;
            match (exit.expected, status.code()) {
                (true, Some(0)) => {}
                (true, None) if status.signal() == Some(9) => {}
                // A process that ends at once says so with a status of its own.
                (true, _) if name == "postgres" => {}
                (true, _) => ledger.violated(format!("{name} was asked to end and ended with {status}")),
                (false, Some(_)) => ledger.ended(format!("{name} ended by itself: {status}")),
                (false, None) => ledger.violated(format!("{name} was ended by the system: {status}")),
            }
        }
        let said = process.said();
        for panic in said.lines().filter(|line| line.contains("panicked at")).take(3) {
            ledger.violated(format!("{name} panicked: {panic}"));
        }
    }
}

/// The tables.
pub(crate) fn print(results: &[Result], cluster: &Cluster, ledger: &Ledger) {
    let counts = &ledger.counts;
    println!("\n| What | Count |\n|---|---|");
    for (what, counter) in [
        ("sends acknowledged", &counts.acknowledged),
        ("retries", &counts.retries),
        ("sent again with the same nonce", &counts.repeated),
        ("edits, deletes, reactions", &counts.acts),
        ("events delivered", &counts.events),
        ("subscriptions begun", &counts.subscriptions),
        ("sends without an answer in 20 s", &counts.given_up),
        ("missing", &counts.missing),
        ("double", &counts.double),
        ("out of order", &counts.disordered),
    ] {
        println!("| {what} | {} |", counted(counter));
    }
    println!("\n| How requests and subscriptions ended early | Count |\n|---|---|");
    for (how, count) in ledger.endings() {
        println!("| {how} | {count} |");
    }
    println!("\n| Process | Ended |\n|---|---|");
    for process in cluster.all() {
        println!("| {} | {} |", process.name, process.exits().len());
    }
    faults(results);
    let (count, violations) = ledger.violations();
    if count > 0 {
        println!("\n{count} violations; the first of them:");
        for violation in violations {
            println!("- {violation}");
        }
    }
}

fn faults(results: &[Result]) {
    let mut kinds = BTreeMap::<&str, Vec<&Result>>::new();
    let mut doubles = Vec::new();
    for result in results {
        match result.round.meets {
            None => kinds.entry(result.round.fault.kind()).or_default().push(result),
            Some(_) => doubles.push(result),
        }
    }
    println!(
        "\nSeconds to the next acknowledged send that was begun after the fault, and to the next event of a\n\
         message accepted after it: median / p99 / max. Where nobody can serve while it lasts (PostgreSQL; two\n\
         faults at once) the clock starts at its end. `All`: through every gateway, at every subscriber, from\n\
         its end. `Latest`: how long after its message's acceptance the latest event came.\n"
    );
    println!(
        "| Fault | Rounds | Send | Event | All: send | All: event | Latest |\n|---|---|---|---|---|---|---|"
    );
    let everything: Vec<&Result> = results.iter().collect();
    let rows = kinds
        .into_iter()
        .chain([("two at once", doubles), ("all", everything)]);
    for (kind, results) in rows.filter(|(_, results)| !results.is_empty()) {
        let of = |pick: &dyn Fn(&Result) -> Option<Duration>| {
            figures(results.iter().map(|result| pick(result)).collect())
        };
        println!(
            "| {kind} | {} | {} | {} | {} | {} | {} |",
            results.len(),
            of(&|result| result.recovered.send),
            of(&|result| result.recovered.event),
            of(&|result| result.recovered.sends),
            of(&|result| result.recovered.events),
            of(&|result| Some(result.recovered.latest)),
        );
    }
    println!(
        "\nThe promise is {} s for the next send and the next event.",
        RECOVERY.as_secs()
    );
}

/// Median / p99 / max; what never came is the longest of all.
fn figures(times: Vec<Option<Duration>>) -> String {
    let mut times: Vec<Duration> = times
        .into_iter()
        .map(|time| time.unwrap_or(Duration::MAX))
        .collect();
    times.sort_unstable();
    // The nearest rank: always a time that was measured.
    let at = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100).max(1);
        let time = times[rank - 1];
        if time == Duration::MAX {
            "never".to_owned()
        } else {
            format!("{:.2}", time.as_secs_f64())
        }
    };
    format!("{} / {} / {}", at(50), at(99), at(100))
}
