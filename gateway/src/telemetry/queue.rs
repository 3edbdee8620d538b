//! Where spans wait until they are sent: a queue with an end, and one task that empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use grammar::config;
use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use prost::Message as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, timeout_at};

use super::collector::{Collector, Refusal};

/// How often a batch is sent before it is given up: what comes after it waits meanwhile.
const TRIES: u32 = 5;

/// The first wait between two tries; each further one is twice as long.
const BACKOFF: Duration = Duration::from_millis(500);

/// Longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(8);

/// What became of spans.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// The collector has them.
    pub(crate) sent: AtomicU64,
    /// The queue was full.
    pub(crate) overflown: AtomicU64,
    /// The collector did not take them.
    pub(crate) refused: AtomicU64,
}

/// The end of the queue that spans come in at.
#[derive(Debug)]
pub(super) struct Queue {
    spans: Sender<SpanData>,
    counts: Arc<Counts>,
}

impl Queue {
    pub(super) fn new(length: usize) -> (Self, Receiver<SpanData>) {
        let (spans, waiting) = channel(length);
        (Self { spans, counts: Arc::default() }, waiting)
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counts.overflown.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(()) // what is in the queue is sent when its other end is reached, also after this one is gone
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Empties the queue.
pub(super) struct Exporter {
    collector: Collector,
    resource: ResourceAttributesWithSchema,
    batch: usize,
    interval: Duration,
    counts: Arc<Counts>,
    is_failing: bool,
}

impl Exporter {
    pub(super) fn new(
        collector: Collector,
        resource: &Resource,
        traces: &config::Traces,
        counts: Arc<Counts>,
    ) -> Self {
        Self {
            collector,
            resource: resource.into(),
            batch: usize::try_from(traces.batch_spans).unwrap_or(usize::MAX),
            interval: Duration::from_millis(traces.interval_ms.into()),
            counts,
            is_failing: false,
        }
    }

    /// Sends what comes until nothing can come any more.
    pub(super) async fn run(mut self, mut spans: Receiver<SpanData>) {
        while let Some(first) = spans.recv().await {
            let (mut batch, until) = (vec![first], Instant::now() + self.interval);
            while batch.len() < self.batch {
                let room = self.batch - batch.len();
                match timeout_at(until, spans.recv_many(&mut batch, room)).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
            self.send(batch, &spans).await;
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>, queue: &Receiver<SpanData>) {
        let count = batch.len() as u64;
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let message = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let mut tries = 0;
        loop {
            tries += 1;
            match self.collector.post(message.clone()).await {
                Ok(answer) => return self.sent(count, &answer),
                Err(refusal) => {
                    // A gateway that stops does not wait for a collector that is away.
                    if !refusal.is_passing || tries == TRIES || queue.is_closed() {
                        return self.given_up(count, &refusal);
                    }
                    sleep(rest(tries, &refusal)).await;
                }
            }
        }
    }

    fn sent(&mut self, count: u64, answer: &[u8]) {
        let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
        let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
        let rejected = u64::try_from(rejected).unwrap_or_default().min(count);
        self.counts.sent.fetch_add(count - rejected, Ordering::Relaxed);
        self.counts.refused.fetch_add(rejected, Ordering::Relaxed);
        if rejected > 0 {
            tracing::warn!(rejected, "the collector of traces did not take all spans");
        }
        if std::mem::replace(&mut self.is_failing, false) {
            tracing::info!("the collector of traces takes spans again");
        }
    }

    fn given_up(&mut self, count: u64, refusal: &Refusal) {
        self.counts.refused.fetch_add(count, Ordering::Relaxed);
        if !std::mem::replace(&mut self.is_failing, true) {
            let cause = &refusal.cause;
            tracing::warn!(
                cause,
                "the collector of traces does not take spans; they are dropped and counted"
            );
        }
    }
}

/// How long to wait before the next try, at random between half and all of it: gateways that failed together do not come
/// back together.
pub(crate) fn backoff(tries: u32, first: Duration, longest: Duration) -> Duration {
    let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(longest);
    doubled.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn rest(tries: u32, refusal: &Refusal) -> Duration {
    refusal.rest.map_or_else(|| backoff(tries, BACKOFF, LONGEST), |rest| rest.min(LONGEST))
}
