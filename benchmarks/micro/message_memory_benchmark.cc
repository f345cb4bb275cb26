// What a request costs to parse, by where its memory comes from.

#include <memory>
#include <string>

#include "benchmark/benchmark.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/type.pb.h"
#include "google/protobuf/wrappers.pb.h"
#include "server/src/reused_message.h"

namespace udsrpc {
namespace {

constexpr size_t kArenaBytes = 16 << 10;

// One field of 64 bytes.
google::protobuf::BytesValue Flat() {
  google::protobuf::BytesValue message;
  message.set_value(std::string(64, 'x'));
  return message;
}

// Eight messages with three strings each, of which two are too long to be kept within a std::string.
google::protobuf::Type Nested() {
  google::protobuf::Type message;
  message.set_name("udsrpc.benchmarks.ANestedMessage");
  for (int i = 0; i < 8; ++i) {
    google::protobuf::Field& field = *message.add_fields();
    field.set_number(i + 1);
    field.set_name("field");
    field.set_json_name("aFieldWithANameOfSomeLength");
    field.set_type_url("type.googleapis.com/udsrpc.benchmarks.AnotherMessage");
  }
  return message;
}

template <typename Message>
void OnTheHeap(benchmark::State& state, Message (*make)()) {
  const std::string bytes = make().SerializeAsString();
  for (auto _ : state) {
    const auto message = std::make_unique<Message>();
    if (!message->ParseFromString(bytes)) state.SkipWithError("it does not parse");
    benchmark::DoNotOptimize(message.get());
  }
}

// With its first block kept from one call to the next.
template <typename Message>
void OnAnArena(benchmark::State& state, Message (*make)()) {
  const std::string bytes = make().SerializeAsString();
  const auto block = std::make_unique<char[]>(kArenaBytes);
  google::protobuf::ArenaOptions options;
  options.initial_block = block.get();
  options.initial_block_size = kArenaBytes;
  google::protobuf::Arena arena(options);
  for (auto _ : state) {
    auto* const message = google::protobuf::Arena::CreateMessage<Message>(&arena);
    if (!message->ParseFromString(bytes)) state.SkipWithError("it does not parse");
    benchmark::DoNotOptimize(message);
    arena.Reset();
  }
}

template <typename Message>
void Reused(benchmark::State& state, Message (*make)()) {
  const std::string bytes = make().SerializeAsString();
  ReusedMessage reused;
  for (auto _ : state) {
    google::protobuf::MessageLite& message = reused.Get(Message::default_instance());
    if (!message.ParseFromString(bytes)) state.SkipWithError("it does not parse");
    benchmark::DoNotOptimize(&message);
    reused.Release();
  }
}

BENCHMARK_CAPTURE(OnTheHeap, flat, Flat);
BENCHMARK_CAPTURE(OnAnArena, flat, Flat);
BENCHMARK_CAPTURE(Reused, flat, Flat);
BENCHMARK_CAPTURE(OnTheHeap, nested, Nested);
BENCHMARK_CAPTURE(OnAnArena, nested, Nested);
BENCHMARK_CAPTURE(Reused, nested, Nested);

}  // namespace
}  // namespace udsrpc
