//! The record of one exchange while it is being made; it is written however the exchange ends.

use std::sync::Arc;
use std::time::Instant;

use engine::verdict::Report;
use hyper::header::HeaderMap;

use super::account::{Account, operation};
use super::record::Attempt;
use super::{Hash, Outcome, Receipt, Record, Seat};
use crate::access::{Caller, Place, Reservation, Room};
use crate::aside::away;
use crate::ids;
use crate::metrics::Metrics;
use crate::money::Money;
use crate::packs::Pack;
use crate::route::Target;
use crate::spend::{self, Price, Prompt, Taken, tokens_of};
use crate::telemetry::{Attempted, Phase, Traced};
use crate::wire::{Endpoint, Usage};

/// The status of a request whose client did not wait for one, as proxies commonly write it.
const CLIENT_CLOSED: u16 = 499;

/// A record in the making. Dropped before it is closed, it says that the client went away.
#[derive(Debug)]
pub(crate) struct Ledger {
    seat: Option<Seat>,
    record: Option<Box<Record>>,
    target: Option<Arc<Target>>,
    began: Instant,
    begun: bool,
    reservation: Option<Reservation>,
    /// Its place among the requests with its key.
    place: Option<Place<String>>,
    /// The request, for as long as its tokens may have to be estimated.
    prompt: Option<Prompt>,
    /// What is kept of its body while its answer streams.
    room: Option<Room>,
    cost: Option<Money>,
    /// What it has taken of budgets.
    budgets: Option<spend::Reservation>,
    /// Whether it is known what it consumed.
    is_told: bool,
    /// Whether the answer ended before its end, and its provider did not say what it took.
    is_cut: bool,
    /// How many failed tries may be on the bill.
    untold: u32,
    /// What the policies came to so far.
    report: Option<Report>,
    /// What is told besides the record.
    account: Account,
}

impl Ledger {
    /// Opens the record of a request. Without a seat it is only told to the process log.
    pub(crate) fn open(seat: Option<Seat>, pack: &Pack, request_id: &str) -> Self {
        let record = Record {
            seq: 0,
            id: ids::fresh("evt"),
            event_type: "decision",
            timestamp: jiff::Timestamp::now().to_string(),
            request_id: request_id.to_owned(),
            endpoint: None,
            outcome: Outcome::ClientDisconnect,
            verdict: "allow",
            reason_code: None,
            policy: None,
            rule: None,
            severity: None,
            tags: Vec::new(),
            model: None,
            provider: None,
            target: None,
            attempts: Vec::new(),
            config_version: pack.config.pack.version.value.clone(),
            config_hash: pack.hash().to_owned(),
            status: 0,
            error: None,
            stream: false,
            latency_ms: 0,
            input_tokens: None,
            output_tokens: None,
            cost_usd: None,
            trace_id: None,
            usage_source: None,
            user_id: None,
            key: None,
            policies_evaluated: Vec::new(),
            prev_hash: Hash::ZERO,
        };
        Self {
            seat,
            record: Some(Box::new(record)),
            target: None,
            began: Instant::now(),
            begun: false,
            reservation: None,
            place: None,
            prompt: None,
            room: None,
            cost: None,
            budgets: None,
            is_told: false,
            is_cut: false,
            untold: 0,
            report: None,
            account: Account::default(),
        }
    }

    /// For a request of that caller.
    #[must_use]
    pub(crate) fn by(mut self, caller: &Caller) -> Self {
        self.note(|record| record.key = caller.key_name().map(str::to_owned));
        self
    }

    /// For a request that is counted.
    #[must_use]
    pub(crate) fn counted(mut self, metrics: &Arc<Metrics>) -> Self {
        metrics.begun();
        self.account.metrics = Some(Arc::clone(metrics));
        self
    }

    /// For a request that is part of that trace.
    #[must_use]
    pub(crate) fn traced(mut self, traced: Traced) -> Self {
        self.note(|record| record.trace_id = traced.id());
        self.account.traced = traced;
        self
    }

    /// For a request to that endpoint.
    #[must_use]
    pub(crate) fn at(mut self, endpoint: Endpoint) -> Self {
        self.note(|record| record.endpoint = Some(endpoint));
        self
    }

    fn note(&mut self, write: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            write(record);
        }
    }

    /// What the client asked for.
    pub(crate) fn asked(&mut self, request: &engine::input::Request<'_>) {
        self.note(|record| {
            record.model = Some(request.model.to_owned());
            record.stream = request.stream;
            record.user_id = request.user_id.map(str::to_owned);
        });
    }

    /// It is under way with its key, for as long as its record is open.
    pub(crate) fn under_way(&mut self, place: Option<Place<String>>) {
        self.place = place;
    }

    /// The tokens that it has taken from a limit, until it is known how many it takes.
    pub(crate) fn reserved(&mut self, reservation: Option<Reservation>) {
        self.reservation = reservation;
    }

    /// Where it went, and under which model: the target's own, or else the one that was asked for.
    pub(crate) fn sent(&mut self, target: &Arc<Target>, asked: &str) {
        self.target = Some(Arc::clone(target));
        self.note(|record| {
            record.attempts.push(Attempt { target: target.id.clone(), failure: None });
            record.target = Some(target.id.clone());
            record.provider = Some(target.provider.clone());
            record.model = Some(target.model.as_deref().unwrap_or(asked).to_owned());
        });
        if let (Some(trace), Some(record)) = (self.account.traced.trace(), &self.record) {
            trace.attempt(Attempted {
                operation: record.endpoint.map(operation),
                model: target.model.as_deref().unwrap_or(asked),
                provider: &target.provider,
                target: &target.id,
                host: target.host(),
                port: target.port(),
            });
        }
    }

    /// Puts the trace into the headers of a request to the target that it is sent to.
    pub(crate) fn pass_on(&self, headers: &mut HeaderMap) {
        self.account.traced.pass_on(headers);
    }

    /// What it has taken of budgets, until it is known what it costs.
    pub(crate) fn budgets(&mut self, reservation: Option<spend::Reservation>) {
        self.budgets = reservation;
    }

    /// The target that it was sent to last has failed; whether that try may be on the bill.
    pub(crate) fn attempt_failed(&mut self, code: &str, cause: &str, paid: bool) {
        self.untold += u32::from(paid);
        self.note_failure(code, cause);
    }

    fn note_failure(&mut self, code: &str, cause: &str) {
        if let Some(trace) = self.account.traced.trace() {
            trace.attempt_failed(code, cause);
        }
        self.note(|record| {
            if let Some(attempt) = record.attempts.last_mut() {
                attempt.failure = Some(cause.to_owned());
            }
        });
    }

    /// The answer of the target that it was sent to last has failed, too late for another target.
    pub(crate) fn answer_failed(&mut self, code: &str, cause: &str) {
        self.note_failure(code, cause);
        if let Some(record) = &self.record {
            let (request_id, target_id) = (&record.request_id, record.target.as_deref());
            tracing::warn!(request_id, target_id, cause, next = "the client is told", "a target failed");
        }
    }

    /// The policies begin to judge.
    pub(crate) fn judging(&mut self, phase: Phase) {
        if let Some(trace) = self.account.traced.trace() {
            trace.judging(phase);
        }
    }

    /// What was decided.
    pub(crate) fn judged(&mut self, report: Report) {
        if let Some(trace) = self.account.traced.trace() {
            trace.judged(&report);
        }
        self.report = Some(report);
    }

    /// The status that the client was told.
    pub(crate) fn replied(&mut self, status: hyper::StatusCode) {
        self.note(|record| record.status = status.as_u16());
    }

    /// The head of the answer goes to the client; what comes after can only be told in the stream.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    /// The request as it came, in case that nobody else says how many tokens it is.
    pub(crate) fn prompt(&mut self, prompt: Prompt) {
        self.prompt = Some(prompt);
    }

    /// What is kept of its body takes so much room, for as long as its record is open.
    pub(crate) fn takes(&mut self, room: Room) {
        self.room = Some(room);
    }

    /// What it consumed, as the provider tells it; what it does not tell is estimated. `said` is the beginning of the answer,
    /// with the bytes of all of it. The provider may bill more than what came of an answer that is not `whole`.
    pub(crate) fn used(&mut self, told: Option<Usage>, said: (&str, usize), whole: bool) {
        let price = self.target.as_ref().and_then(|target| target.pricing).map(|pricing| Price::of(&pricing));
        let prompt = self.prompt.take();
        if let (Some(trace), Some(usage)) = (self.account.traced.trace(), told) {
            trace.used(usage);
        }
        let Some(record) = &mut self.record else { return };
        self.is_told = true;
        self.is_cut = !whole && told.and_then(|usage| usage.output).is_none();
        let mut usage = told.unwrap_or_default();
        if record.endpoint == Some(Endpoint::Embeddings) {
            usage.output = usage.output.or(Some(0)); // vectors are not made of tokens
        }
        record.usage_source = Some("provider");
        if usage.input.is_none() || usage.output.is_none() {
            record.usage_source = Some("estimate");
            usage.input = usage.input.or_else(|| prompt.map(|prompt| away(|| prompt.tokens())));
            usage.output = usage.output.or_else(|| Some(away(|| tokens_of(said.0, said.1))));
        }
        (record.input_tokens, record.output_tokens) = (usage.input, usage.output);
        self.cost = usage.cost.or_else(|| price?.cost(&usage));
        record.cost_usd = self.cost.map(Money::usd);
    }

    /// What it cost, as a header says it.
    pub(crate) fn cost(&self) -> Option<String> {
        let is_estimate = self.record.as_ref().is_some_and(|record| record.usage_source == Some("estimate"));
        self.cost.map(|cost| format!("{cost}{}", if is_estimate { "; estimate" } else { "" }))
    }

    /// The most of the stream that was held back at any moment, in bytes.
    pub(crate) fn held(&mut self, most: usize) {
        self.account.held = Some(most);
    }

    /// The failure that the client was told.
    pub(crate) fn failed(&mut self, code: &str) {
        self.note(|record| record.error = Some(code.to_owned()));
    }

    /// The exchange is over: the record goes to the log, and the end of the answer waits for the receipt.
    pub(crate) fn close(&mut self, outcome: Outcome) -> Receipt {
        let Some(mut record) = self.record.take() else { return Receipt::none() };
        self.place = None;
        self.room = None;
        let mut account = std::mem::take(&mut self.account);
        account.took = self.began.elapsed();
        account.cost = self.cost;
        record.outcome = outcome;
        record.latency_ms = u64::try_from(account.took.as_millis()).unwrap_or(u64::MAX);
        if let Some(report) = self.report.take() {
            record.judge(&report);
        }
        if let Some((reservation, used)) = self.reservation.take().zip(tokens(&record)) {
            reservation.settle(used);
        }
        if let Some(budgets) = self.budgets.take() {
            budgets.settle(self.taken(&record));
        }
        match self.seat.take() {
            Some(seat) => seat.write(record, self.begun, account),
            None => {
                account.tell(&record);
                Receipt::none()
            }
        }
    }

    /// What it took of budgets. A try of which nothing was heard may be on the bill.
    fn taken(&self, record: &Record) -> Taken {
        if self.is_cut {
            return Taken { cost: None, tokens: None, untold: self.untold };
        }
        if self.is_told {
            let tokens = record.input_tokens.zip(record.output_tokens);
            let tokens = tokens.map(|(input, output)| input.saturating_add(output));
            return Taken { cost: self.cost.map(Money::nanos), tokens, untold: self.untold };
        }
        let pending = record.attempts.last().is_some_and(|attempt| attempt.failure.is_none());
        Taken { cost: Some(0), tokens: Some(0), untold: self.untold + u32::from(pending) }
    }
}

#[cfg(test)]
impl Ledger {
    /// The record as it would be written.
    pub(crate) fn into_record(mut self) -> Box<Record> {
        let mut record = self.record.take().expect("a record that is not closed");
        if let Some(report) = self.report.take() {
            record.judge(&report);
        }
        record
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failed("internal_error");
            self.note(|record| record.status = if record.status == 0 { 500 } else { record.status });
            return drop(self.close(Outcome::Failed));
        }
        self.note(|record| record.status = if record.status == 0 { CLIENT_CLOSED } else { record.status });
        drop(self.close(Outcome::ClientDisconnect)); // nobody is left who could wait
    }
}

/// The tokens that a request took, where that is known: none when it was sent nowhere.
fn tokens(record: &Record) -> Option<u64> {
    let told = record.input_tokens.is_some() || record.output_tokens.is_some();
    let sum =
        record.input_tokens.unwrap_or_default().saturating_add(record.output_tokens.unwrap_or_default());
    (told || record.attempts.is_empty()).then_some(sum)
}
