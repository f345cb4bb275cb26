namespace cpp udsrpc.benchmarks.thrift_api

// What echo.proto has, as far as Thrift knows such calls: it has no streams.
service Echo {
  // `data` comes back, after `sleep_us`.
  binary Unary(1: binary data, 2: i32 sleep_us)
}
