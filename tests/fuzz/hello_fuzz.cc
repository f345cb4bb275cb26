// Any HELLO, to a server and to a client, against what docs/PROTOCOL.md says of it: written down here once more.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "common/src/wire/frame.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/client_calls.h"
#include "tests/fuzz/driven_client.h"
#include "tests/fuzz/driven_server.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/process_state.h"

namespace udsrpc::fuzz {
namespace {

struct Versions {
  uint64_t lowest;
  uint64_t highest;
};

// Of a packet of one frame; nothing where that is a connection error. Section 4.1.
std::optional<Versions> ReadHello(absl::string_view packet) {
  const auto number = [packet](size_t at, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= uint64_t{static_cast<uint8_t>(packet[at + i])} << (8 * i);
    return value;
  };
  constexpr size_t kHeader = 12;
  constexpr size_t kFields = 32;
  if (packet.size() < kHeader || number(0, 4) != packet.size()) return std::nullopt;
  const uint64_t head = number(6, 2);
  if (number(4, 1) != 0x01 || number(5, 1) != 0 || number(8, 4) != 0) return std::nullopt;
  if (kHeader + head > packet.size() || head < kFields) return std::nullopt;
  if (packet.substr(kHeader, 8) != absl::string_view("UDSRPC\r\n")) return std::nullopt;
  const Versions versions{.lowest = number(kHeader + 10, 2), .highest = number(kHeader + 8, 2)};
  if (versions.lowest < 1 || versions.lowest > versions.highest) return std::nullopt;
  if ((number(kHeader + 12, 4) & 1) == 0) return versions;
  if (head < kFields + 2) return std::nullopt;
  const uint64_t max_fds = number(kHeader + kFields, 2);
  if (max_fds < 1 || max_fds > 253) return std::nullopt;
  return versions;
}

// One frame, or less: what a packet has behind it is server_fuzz's.
std::string Packet(FuzzInput& input) {
  if (input.Flag()) {
    std::string packet(input.Rest());
    uint32_t size = 0;
    if (packet.size() >= sizeof(size)) std::memcpy(&size, packet.data(), sizeof(size));
    if (size >= wire::FrameHeader::kBytes && size < packet.size()) packet.resize(size);
    return packet;
  }
  std::string packet = wire::SerializeFrame(wire::HelloFrame{.version = static_cast<uint16_t>(input.Below(4)),
                                                             .min_version = static_cast<uint16_t>(input.Below(4)),
                                                             .features = input.Below(4) * 2,
                                                             .max_calls = input.Below(3),
                                                             .max_metadata = input.Below(3),
                                                             .max_message = input.Below(3),
                                                             .max_fds = static_cast<uint16_t>(input.Number(2))});
  for (int changes = static_cast<int>(input.Below(3)); changes > 0; --changes) {
    packet[input.Byte() % packet.size()] = static_cast<char>(input.Byte());
  }
  return packet;
}

void GreetServer(absl::string_view packet, const std::optional<Versions>& hello) {
  ServerOptions options;
  options.spin_budget = absl::ZeroDuration();
  DrivenServer server(options, UserLimits());
  server.Send(packet, 0);
  server.Settle();
  const bool stays = hello && hello->highest == wire::kVersion;
  FUZZ_CHECK(server.words().said_hello() == hello.has_value());
  FUZZ_CHECK(server.words().ended() == !stays);
  FUZZ_CHECK(server.client().at_end() == !stays);
}

void GreetClient(absl::string_view packet, const std::optional<Versions>& hello) {
  DrivenClient client({.max_receive_message_bytes = 1000,
                       .max_metadata_bytes = 1000,
                       .max_receive_fds = 0,
                       .max_untaken_fds = 0,
                       .keepalive_time = absl::InfiniteDuration(),
                       .keepalive_timeout = absl::Seconds(20),
                       .spin_budget = absl::ZeroDuration()});
  UnaryCallOfFuzzer call(client.transport(), {});
  client.Settle();
  client.Send(packet, 0);
  client.Settle();
  const bool stays = hello && hello->lowest <= wire::kVersion && wire::kVersion <= hello->highest;
  FUZZ_CHECK(client.said_goodbye() == !stays);
  FUZZ_CHECK(call.over() == !stays);
}

}  // namespace
}  // namespace udsrpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace udsrpc::fuzz;  // NOLINT(google-build-using-namespace)
  const int open_before = OpenDescriptors();
  FuzzInput input(data, size);
  const std::string packet = Packet(input);
  constexpr size_t kType = 4;
  if (packet.size() <= kType || packet[kType] != static_cast<char>(udsrpc::wire::FrameType::kHello)) return 0;
  GreetServer(packet, ReadHello(packet));
  GreetClient(packet, ReadHello(packet));
  FUZZ_CHECK(OpenDescriptors() == open_before);
  return 0;
}
