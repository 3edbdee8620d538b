//! What leaves the machine about requests: spans, which follow a request from its client to the targets that were asked.
//!
//! Off unless the configuration names a collector, and then nothing is made. What is made goes into a queue that has an
//! end, and is dropped when that is full: a collector that is slow or dead slows no traffic.

pub(crate) mod collector;
mod names;
mod parent;
mod queue;
mod trace;

use std::sync::Arc;

use grammar::config;
use hyper::Method;
use hyper::header::HeaderMap;
use opentelemetry::trace::{SpanContext, TracerProvider as _};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::task::JoinHandle;

use crate::error::Error;
pub(crate) use queue::{Counts, backoff};
use queue::{Exporter, Queue};
pub(crate) use trace::{Attempted, Ended, Phase, Trace};

/// The conventions by which spans and their attributes are named. The names for generative AI are those of this version, in
/// which they still change.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.41.0";

/// Makes the spans of requests, where they are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracing {
    tracer: Option<SdkTracer>,
    counts: Arc<Counts>,
}

/// What a request says of the trace that it is part of, and the spans that are made of it.
#[derive(Debug, Default)]
pub(crate) struct Traced {
    parent: Option<SpanContext>,
    trace: Option<Box<Trace>>,
}

impl Tracing {
    /// Starts the exporter, where spans are wanted. It ends when every [`Tracing`] and every span is gone and all of them
    /// are sent.
    pub(crate) fn start(telemetry: &config::Telemetry) -> Result<(Self, Option<JoinHandle<()>>), Error> {
        let Some(traces) = &telemetry.traces else { return Ok((Self::default(), None)) };
        let collector = collector::Collector::new(&traces.collector, "/v1/traces");
        let collector =
            collector.map_err(|error| Error::new(format!("`telemetry.traces` cannot be used: {error}")))?;
        let resource = resource(telemetry);
        let (queue, spans) = Queue::new(usize::try_from(traces.queue_spans).unwrap_or(usize::MAX));
        let counts = queue.counts();
        let exporter = Exporter::new(collector, &resource, traces, Arc::clone(&counts));
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.sampling_ratio))))
            .with_resource(resource)
            .with_span_processor(queue)
            .build();
        let scope = InstrumentationScope::builder("kt")
            .with_version(env!("CARGO_PKG_VERSION"))
            .with_schema_url(CONVENTIONS);
        let tracer = provider.tracer_with_scope(scope.build());
        Ok((Self { tracer: Some(tracer), counts }, Some(tokio::spawn(exporter.run(spans)))))
    }

    /// Takes up the trace of a request, or begins one.
    pub(crate) fn begin(&self, method: &Method, headers: &HeaderMap) -> Traced {
        let parent = parent::of(headers);
        let begin = |tracer| Box::new(Trace::begin(tracer, parent.as_ref(), method));
        let trace = self.tracer.as_ref().map(begin);
        Traced { parent, trace }
    }

    /// Whether spans are made.
    pub(crate) fn is_on(&self) -> bool {
        self.tracer.is_some()
    }

    /// What became of them.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Traced {
    /// The spans, where they are made.
    pub(crate) fn trace(&mut self) -> Option<&mut Trace> {
        self.trace.as_deref_mut()
    }

    /// The name of the trace, whether or not spans are made here.
    pub(crate) fn id(&self) -> Option<String> {
        Some(self.context()?.trace_id().to_string())
    }

    /// Puts the trace into the headers of a request to a target.
    pub(crate) fn pass_on(&self, headers: &mut HeaderMap) {
        parent::put(self.context(), headers);
    }

    fn context(&self) -> Option<&SpanContext> {
        self.trace.as_deref().map(Trace::context).or(self.parent.as_ref())
    }
}

/// Whether everything is there that traces take; not whether the collector is.
pub(crate) fn check(telemetry: &config::Telemetry) -> Result<(), Error> {
    let collector =
        telemetry.traces.as_ref().map(|traces| collector::Collector::new(&traces.collector, "/v1/traces"));
    collector.transpose().map(drop)
}

/// Which gateway it is, in everything that it sends.
pub(crate) fn resource(telemetry: &config::Telemetry) -> Resource {
    let instance = telemetry.instance.clone().unwrap_or_else(machine);
    Resource::builder()
        .with_service_name(telemetry.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}

/// The name of this machine.
pub(crate) fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
