//! Rate, errors and duration of what the gateway answers.

use super::Outcome;
use commons_platform::telemetry::metric::{GATEWAY_OPERATION_SECONDS, GATEWAY_OPERATIONS};
use metrics::{counter, histogram};
use std::time::Instant;

/// An operation under way; dropped before its end, it was cancelled.
pub(super) struct Measured {
    kind: &'static str,
    began: Instant,
    ended: bool,
}

impl Measured {
    pub(super) fn begin(kind: &'static str) -> Self {
        Self {
            kind,
            began: Instant::now(),
            ended: false,
        }
    }

    /// Counts it and gives its outcome: `ok`, or the code of its first error.
    pub(super) fn end(mut self, outcome: &Outcome) -> &'static str {
        self.ended = true;
        let word = match outcome {
            Outcome::One { reply, .. } => reply.code.map_or("ok", |code| code.as_str()),
            Outcome::Many(_) => "ok",
        };
        self.count(word);
        histogram!(GATEWAY_OPERATION_SECONDS, "kind" => self.kind).record(self.began.elapsed().as_secs_f64());
        word
    }

    fn count(&self, outcome: &'static str) {
        counter!(GATEWAY_OPERATIONS, "kind" => self.kind, "outcome" => outcome).increment(1);
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if !self.ended {
            self.count("cancelled");
        }
    }
}
