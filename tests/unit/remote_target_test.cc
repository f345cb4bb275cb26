#include "common/src/remote_target.h"

#include <string>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

TEST(RemoteTarget, KnowsItsSchemes) {
  for (const char* target : {"dns:x", "dns:///x:1", "ipv4:1.2.3.4:5", "ipv6:[::1]:5", "dns:"}) {
    EXPECT_TRUE(RemoteTarget::HasScheme(target)) << target;
  }
  for (const char* target : {"", "x", "localhost:1", "unix:/x", "unix-abstract:x", "ipv5:x", "dns"}) {
    EXPECT_FALSE(RemoteTarget::HasScheme(target)) << target;
  }
}

TEST(RemoteTarget, ParsesWhatClientsWrite) {
  for (const char* target :
       {"dns:localhost", "dns:localhost:443", "dns:///localhost:443", "dns:///a-b_c.example", "dns://192.0.2.1/x:1",
        "dns://[2001:db8::1]:53/x:1", "dns:///192.0.2.1:1", "dns:///[::1]:1", "dns:///[::1]", "dns:///x:65535",
        "ipv4:192.0.2.1:1", "ipv4:///192.0.2.1:1", "ipv4:192.0.2.1:1,192.0.2.2:2", "ipv6:[::1]:1",
        "ipv6:[::1]:1,[2001:db8::1]:65535"}) {
    const absl::StatusOr<RemoteTarget> parsed = RemoteTarget::Parse(target);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->ToString(), target);
  }
}

TEST(RemoteTarget, RefusesTheRestAndSaysWhatToDo) {
  const struct {
    absl::string_view target;
    absl::string_view says;
  } cases[] = {
      {"unix:/x", "write dns:///HOST:PORT"},
      {"dns:", "no host"},
      {"dns:///", "no host"},
      {"dns:///:443", "no host"},
      {"dns://host:443", "three slashes"},
      {"dns://:x/host", "no host"},
      {"dns:///a b:1", "no host"},
      {"dns:///a/b:1", "no host"},
      {"dns:///a,b:1", "no host"},
      {"dns:///a%20b", "no host"},
      {absl::string_view("dns:///a\0b", 10), "no host"},
      {"dns:///x:", "the port"},
      {"dns:///x:y", "the port"},
      {"dns:///x:-1", "the port"},
      {"dns:///x:+1", "the port"},
      {"dns:///x:65536", "the port"},
      {"dns:///x:99999999999999999999", "the port"},
      {"dns:///x:0", "port 0"},
      {"dns:///::1", "in brackets"},
      {"dns:///[::1", "not closed"},
      {"dns:///[x]:1", "no IPv6 address"},
      {"dns:///[fe80::1%eth0]:1", "zone"},
      {"dns:///[::1]1", "the port"},
      {"ipv4:", "no host"},
      {"ipv4:localhost:1", "no IPv4 address"},
      {"ipv4:1.2.3.4", "needs a port"},
      {"ipv4:1.2.3.4:0", "port 0"},
      {"ipv4:[::1]:1", "no IPv4 address"},
      {"ipv4:1.2.3.4:1,", "no host"},
      {"ipv6:1.2.3.4:1", "no IPv6 address"},
      {"ipv6:[::1]", "needs a port"},
      {"ipv6:::1:443", "in brackets"},
  };
  for (const auto& c : cases) {
    const absl::Status status = RemoteTarget::Parse(c.target).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.target;
    EXPECT_NE(status.message().find(c.says), absl::string_view::npos) << status;
    EXPECT_EQ(status.message().find('\0'), absl::string_view::npos) << status;
  }
}

TEST(RemoteTarget, OfAServerHasOneHostAndAPort) {
  const struct {
    const char* address;
    const char* host;
    int port;
    const char* target;
  } cases[] = {
      {"0.0.0.0:443", "0.0.0.0", 443, "ipv4:0.0.0.0:443"},
      {"[::]:0", "::", 0, "ipv6:[::]:0"},
      {"localhost:1", "localhost", 1, "dns:///localhost:1"},
      {"dns:///localhost:1", "localhost", 1, "dns:///localhost:1"},
      {"dns:localhost:1", "localhost", 1, "dns:///localhost:1"},
      {"dns:///127.0.0.1:1", "127.0.0.1", 1, "ipv4:127.0.0.1:1"},
      {"ipv4:127.0.0.1:1", "127.0.0.1", 1, "ipv4:127.0.0.1:1"},
      {"ipv6:///[::1]:1", "::1", 1, "ipv6:[::1]:1"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<RemoteTarget> parsed = RemoteTarget::ParseListening(c.address);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->host(), c.host);
    EXPECT_EQ(parsed->port(), c.port);
    EXPECT_EQ(parsed->ToString(), c.target);
  }
  EXPECT_EQ(RemoteTarget::ParseListening("[::1]:0")->WithPort(7).HostAndPort(), "[::1]:7");
  EXPECT_EQ(RemoteTarget::ParseListening("x:0")->WithPort(7).ToString(), "dns:///x:7");
  for (const char* address : {"", "x", "[::]", "unix:/x", "unix-abstract:x", "dns://server/x:1",
                              "ipv4:1.2.3.4:1,1.2.3.5:1", "ipv4:x:1", "http://x:1", ":443", "x:y"}) {
    const absl::Status status = RemoteTarget::ParseListening(address).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

}  // namespace
}  // namespace udsrpc
