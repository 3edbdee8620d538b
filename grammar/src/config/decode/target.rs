//! `providers.targets[]`, with what is known of its provider filled in.

use super::key::key_ref;
use super::resilience::{circuit_breaker, health_probe, retry};
use super::serving::target_tls;
use super::{address, proxy};
use crate::codes::{BAD_CONFIG, BAD_VALUE, MISSING};
use crate::config::{DataPolicy, KeyRef, Pricing, Target};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::span::Spanned;
use crate::yaml::field::Field;
use crate::yaml::join;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// A provider that needs no `base_url`.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) base_url: &'static str,
    key_env: &'static str,
}

pub(super) const KNOWN: &[Known] = &[
    Known {
        name: "fireworks",
        base_url: "https://api.fireworks.ai/inference/v1",
        key_env: "FIREWORKS_API_KEY",
    },
    Known { name: "openai", base_url: "https://api.openai.com/v1", key_env: "OPENAI_API_KEY" },
    Known { name: "together", base_url: "https://api.together.xyz/v1", key_env: "TOGETHER_API_KEY" },
    Known { name: "groq", base_url: "https://api.groq.com/openai/v1", key_env: "GROQ_API_KEY" },
];

const KEYS: &[&str] = &[
    "id",
    "provider",
    "model",
    "base_url",
    "allow_insecure",
    "secret_key_ref",
    "timeout_seconds",
    "stream_timeout_seconds",
    "max_stream_seconds",
    "format",
    "provider_type",
    "description",
    "weight",
    "pricing",
    "health_probe",
    "circuit_breaker",
    "retry",
    "drop_params",
    "data_policy",
    "zdr",
    "tls",
    "proxy",
];

/// The only wire format.
const FORMATS: &[(&str, ())] = &[("openai", ())];

const DAY: u32 = 86_400;

/// Longest time for the whole of a stream, in seconds, where nothing else is said: a model may reason for many minutes.
const LONGEST_STREAM: u32 = 3600;

pub(super) fn read(reader: &mut Reader, field: &Field) -> Option<Target> {
    let block = field.mapping(reader, KEYS)?;
    let id = block.require(reader, "id", "give the target a name").and_then(|f| id(reader, &f));
    let provider = provider(reader, &block);
    for name in ["format", "provider_type"] {
        _ = block.get(name).and_then(|field| field.choice(reader, FORMATS));
    }
    let known = provider.as_ref().and_then(|provider| provider.known());
    let flag =
        |reader: &mut Reader, name| block.get(name).and_then(|f| f.flag(reader)).is_some_and(|f| f.value);
    let allow_insecure = flag(reader, "allow_insecure");
    let base_url = address::read(reader, &block, provider.as_ref(), allow_insecure);
    let default_key = known.zip(provider.as_ref()).map(|(known, p)| KeyRef::Env(p.at(known.key_env)));
    let key = block.get("secret_key_ref").map_or(default_key, |field| key_ref(reader, &field));
    let seconds = |reader: &mut Reader, name| block.get(name).and_then(|f| f.whole(reader, 1..=DAY));
    let timeout = seconds(reader, "timeout_seconds").unwrap_or(60);
    let stream_timeout = seconds(reader, "stream_timeout_seconds").unwrap_or(timeout);
    let max_stream = seconds(reader, "max_stream_seconds").unwrap_or(LONGEST_STREAM);
    let target = Target {
        model: model(reader, &block, provider.as_ref()),
        provider: provider.as_ref().map(|p| p.name.value.clone()).unwrap_or_default(),
        allow_insecure,
        key,
        timeout_seconds: timeout.into(),
        stream_timeout_seconds: stream_timeout.into(),
        max_stream_seconds: max_stream.into(),
        description: block.get("description").and_then(|f| f.text(reader)).map(|text| text.value),
        weight: block.get("weight").and_then(|f| f.amount(reader)).unwrap_or(1.0),
        pricing: block.get("pricing").and_then(|f| pricing(reader, &f)),
        health_probe: block.get("health_probe").and_then(|f| health_probe(reader, &f)),
        retry: block.get("retry").and_then(|f| retry(reader, &f)),
        circuit_breaker: block.get("circuit_breaker").and_then(|f| circuit_breaker(reader, &f)),
        drop_params: block.get("drop_params").map(|f| names(reader, &f)).unwrap_or_default(),
        data_policy: data_policy(reader, &block),
        tls: target_tls(reader, &block, base_url.as_ref()),
        proxy: block.get("proxy").and_then(|field| proxy::read(reader, &field)),
        id: id?,
        base_url: base_url?,
    };
    provider.map(|_| target)
}

/// An id goes into headers, metrics and logs.
fn id(reader: &mut Reader, field: &Field) -> Option<Spanned<String>> {
    let id = field.text(reader)?;
    if id.value.len() <= 128 && id.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(id);
    }
    let found = field.error(BAD_VALUE, "an id must be at most 128 visible ASCII characters without spaces");
    reader.report(found.help("such as `fireworks-llama-70b`"));
    None
}

/// `provider:`, and the model of its shorthand.
pub(super) struct Provider {
    pub(super) name: Spanned<String>,
    model: Option<String>,
}

impl Provider {
    /// What is known of it.
    pub(super) fn known(&self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.name == self.name.value)
    }

    /// A value that follows from the provider, so it stands where the provider does.
    pub(super) fn at(&self, value: &str) -> Spanned<String> {
        Spanned::new(value.to_owned(), self.name.span)
    }
}

fn provider(reader: &mut Reader, block: &Mapping) -> Option<Provider> {
    let help = "such as `fireworks`, or `fireworks:chat:<model>`";
    let field = block.require(reader, "provider", help)?;
    let written = field.text(reader)?;
    let mut parts = written.value.splitn(3, ':');
    let (name, kind, model) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let model = match (kind, model) {
        (None, None) if plain => None,
        (Some("chat"), Some(model)) if plain && !model.trim().is_empty() => Some(full_model(name, model)),
        _ => {
            let message = format!("`{}` is not a provider", written.value);
            reader.report(field.error(BAD_VALUE, message).help(format!("write a name {help}")));
            return None;
        }
    };
    Some(Provider { name: Spanned::new(name.to_owned(), written.span), model })
}

/// Fireworks' own models may be named without their path in the shorthand.
fn full_model(provider: &str, model: &str) -> String {
    match provider {
        "fireworks" if !model.contains('/') => format!("accounts/fireworks/models/{model}"),
        _ => model.to_owned(),
    }
}

/// `model:` or the shorthand's, which must not differ.
fn model(reader: &mut Reader, block: &Mapping, provider: Option<&Provider>) -> Option<String> {
    let field = block.get("model");
    let written = field.as_ref().and_then(|field| field.text(reader));
    let Some((provider, short)) = provider.and_then(|p| Some((p, p.model.clone()?))) else {
        return written.map(|model| model.value);
    };
    if let Some((field, written)) = field.zip(written)
        && full_model(&provider.name.value, &written.value) != short
    {
        let found = field.error(BAD_CONFIG, "the target names two models").label("this one");
        let help = "leave out `model`, or write the provider without one";
        reader.report(found.related(provider.name.span, format!("and `{short}`")).help(help));
    }
    Some(short)
}

fn pricing(reader: &mut Reader, field: &Field) -> Option<Pricing> {
    let block = field.mapping(reader, &["prompt", "completion", "cached"])?;
    let help = "USD per million tokens; leave `pricing` out when it is not known";
    let prompt = block.require(reader, "prompt", help).and_then(|f| f.amount(reader));
    let completion = block.require(reader, "completion", help).and_then(|f| f.amount(reader));
    let cached = block.get("cached").and_then(|f| f.amount(reader));
    Some(Pricing { prompt: prompt?, completion: completion?, cached })
}

fn names(reader: &mut Reader, field: &Field) -> Vec<Spanned<String>> {
    let items = field.list(reader).unwrap_or_default();
    items.iter().filter_map(|item| item.text(reader)).collect()
}

fn data_policy(reader: &mut Reader, block: &Mapping) -> DataPolicy {
    let zdr = block.get("zdr").and_then(|field| Some((field.flag(reader)?, field.path)));
    let policy = block.get("data_policy");
    let keys = ["zero_data_retention", "training_opt_out", "retention_days"];
    let policy = policy.and_then(|field| field.mapping(reader, &keys));
    let flag = |reader: &mut Reader, name| policy.as_ref()?.get(name)?.flag(reader);
    let [zero, training] = [keys[0], keys[1]].map(|name| flag(reader, name));
    if let (Some((zdr, path)), Some(zero)) = (&zdr, &zero)
        && zdr.value != zero.value
    {
        let found =
            Diagnostic::error(BAD_CONFIG, zdr.span, "`zdr` and `zero_data_retention` contradict each other");
        reader.report(found.related(zero.span, "the other one").help("keep one of them").path(path.as_str()));
    }
    DataPolicy {
        zero_data_retention: zero.or(zdr.map(|(zdr, _)| zdr)).is_some_and(|flag| flag.value),
        training_opt_out: training.is_some_and(|flag| flag.value),
        retention_days: policy.and_then(|block| block.get(keys[2])?.whole(reader, 0..=36_500)),
    }
}

/// The error for a provider without a known address.
pub(super) fn no_address(reader: &mut Reader, block: &Mapping, provider: &Provider) {
    let names = || KNOWN.iter().map(|known| known.name);
    let help = did_you_mean(&provider.name.value, names()).unwrap_or_else(|| {
        format!("only {} have an address of their own", names().collect::<Vec<_>>().join(", "))
    });
    let message = format!("`base_url` is missing for the provider `{}`", provider.name.value);
    let path = join(&block.field.path, "base_url");
    reader.report(Diagnostic::error(MISSING, provider.name.span, message).help(help).path(path));
}
