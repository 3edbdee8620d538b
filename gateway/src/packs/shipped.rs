//! The policies that ship with `kt`: rule files like any other, carried in the binary.

/// A shipped rule file.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// The policy kind, or the library's name such as `std.pii`.
    pub name: &'static str,
    /// Its place in the source tree, as shown in diagnostics.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal = $path:literal),* $(,)?) => {
        &[$(Shipped { name: $name, path: concat!("policies/", $path), text: include_str!(concat!("../../../policies/", $path)) }),*]
    };
}

/// The policy kinds.
pub const KINDS: &[Shipped] = shipped![
    "prompt-injection" = "prompt-injection.ktr",
    "pii-detector" = "pii-detector.ktr",
    "safety-filter" = "safety-filter.ktr",
    "audit-logger" = "audit-logger.ktr",
    "dlp-filter" = "dlp-filter.ktr",
    "budget" = "budget.ktr",
    "data-routing-policy" = "data-routing-policy.ktr",
    "agent-firewall" = "agent-firewall.ktr",
    "rbac" = "rbac.ktr",
    "language-validator" = "language-validator.ktr",
];

/// The libraries.
pub const LIBRARIES: &[Shipped] = shipped![
    "std.identity" = "std/identity.ktr",
    "std.injection" = "std/injection.ktr",
    "std.pii" = "std/pii.ktr",
    "std.safety" = "std/safety.ktr",
    "std.secrets" = "std/secrets.ktr",
];

/// A shipped model: a table that `model(name, text)` weighs texts with.
#[derive(Clone, Copy)]
pub struct ShippedModel {
    /// As rules call it.
    pub name: &'static str,
    /// Its file.
    pub bytes: &'static [u8],
}

/// The models. `policies/models/provenance.json` says where each comes from.
pub const MODELS: &[ShippedModel] = &[
    ShippedModel { name: "injection", bytes: include_bytes!("../../../policies/models/injection.ktm") },
    ShippedModel { name: "orders", bytes: include_bytes!("../../../policies/models/orders.ktm") },
];

/// The configuration that `--demo` runs when none is given.
pub const QUICKSTART: Shipped = Shipped {
    name: "quickstart",
    path: "policies/quickstart.yaml",
    text: include_str!("../../../policies/quickstart.yaml"),
};

/// The shipped file of that name.
pub fn find(files: &'static [Shipped], name: &str) -> Option<&'static Shipped> {
    files.iter().find(|file| file.name == name)
}
