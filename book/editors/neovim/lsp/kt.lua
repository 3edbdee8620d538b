-- `kt lsp`, for `vim.lsp.enable("kt")` (Neovim 0.11) or as the configuration of a server in nvim-lspconfig.
return {
  cmd = { "kt", "lsp" },
  filetypes = { "ktr" },
  root_markers = { "policy-config.yaml", ".git" },
}
