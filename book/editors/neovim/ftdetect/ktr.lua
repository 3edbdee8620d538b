-- Rule files of kt.
vim.filetype.add({ extension = { ktr = "ktr" } })
