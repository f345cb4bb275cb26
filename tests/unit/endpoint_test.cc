#include "udsrpc/endpoint.h"

#include <string>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

std::string Bytes(const char* text, size_t size) { return std::string(text, size); }

struct Good {
  const char* target;
  Endpoint::Kind kind;
  std::string address;
  const char* canonical;
};

TEST(Endpoint, ParsesWhatGrpcParses) {
  const Good cases[] = {
      {"unix:/run/x.sock", Endpoint::Kind::kPath, "/run/x.sock", "unix:/run/x.sock"},
      {"unix:///run/x.sock", Endpoint::Kind::kPath, "/run/x.sock", "unix:/run/x.sock"},
      {"unix:x.sock", Endpoint::Kind::kPath, "x.sock", "unix:x.sock"},
      {"unix:./d/x.sock", Endpoint::Kind::kPath, "./d/x.sock", "unix:./d/x.sock"},
      {"unix:////run/x", Endpoint::Kind::kPath, "//run/x", "unix:////run/x"},
      {"unix:/a%20b", Endpoint::Kind::kPath, "/a b", "unix:/a%20b"},
      {"unix:/a%2fb", Endpoint::Kind::kPath, "/a/b", "unix:/a/b"},
      {"unix:/100%25", Endpoint::Kind::kPath, "/100%", "unix:/100%25"},
      {"unix:/q%3F%23", Endpoint::Kind::kPath, "/q?#", "unix:/q%3F%23"},
      {"unix:/a:b", Endpoint::Kind::kPath, "/a:b", "unix:/a%3Ab"},
      {"unix-abstract:x", Endpoint::Kind::kAbstract, "x", "unix-abstract:x"},
      {"unix-abstract:a/b", Endpoint::Kind::kAbstract, "a/b", "unix-abstract:a/b"},
      {"unix-abstract:%00x", Endpoint::Kind::kAbstract, Bytes("\0x", 2), "unix-abstract:%00x"},
      {"unix-abstract:x%00", Endpoint::Kind::kAbstract, Bytes("x\0", 2), "unix-abstract:x%00"},
      {"unix-abstract:%ff", Endpoint::Kind::kAbstract, "\xff", "unix-abstract:%FF"},
  };
  for (const Good& c : cases) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(c.target);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->kind(), c.kind) << c.target;
    EXPECT_EQ(endpoint->address(), c.address) << c.target;
    EXPECT_EQ(endpoint->ToString(), c.canonical) << c.target;
    const absl::StatusOr<Endpoint> again = Endpoint::Parse(endpoint->ToString());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *endpoint) << c.target;
  }
}

TEST(Endpoint, RefusesTheRestAndSaysWhatToDo) {
  const std::string long_file_name = "unix:/" + std::string(107, 'x');
  const std::string long_path = "unix:" + std::string(4098, '/') + "xy";
  const std::string long_name = "unix-abstract:" + std::string(108, 'x');
  const struct {
    absl::string_view target;
    absl::string_view remedy;
  } cases[] = {
      {"", "the endpoint is empty; write unix:PATH"},
      {"/run/x.sock", "write unix:PATH"},
      {"x", "write unix:PATH"},
      {"http://x", "scheme"},
      {"dns:///x:1", "scheme"},
      {"UNIX:/x", "scheme"},
      {"unix:", "path is empty"},
      {"unix://", "absolute path"},
      {"unix://host/x", "absolute path"},
      {"unix:///", "names a directory"},
      {"unix:/d/", "names a directory"},
      {"unix:/a%00b", "remove the %00"},
      {"unix:/a%", "write %25"},
      {"unix:/a%2", "write %25"},
      {"unix:/a%zz", "write %25"},
      {"unix:/a?b", "write %3F"},
      {"unix:/a#b", "write %3F or %23"},
      {"unix-abstract:", "name is empty"},
      {"unix-abstract://x", "no authority"},
      {"unix-abstract:%", "write %25"},
      {long_file_name, "a socket address holds 107"},
      {long_path, "a path has at most 4095"},
      {long_name, "a socket address holds 107"},
  };
  for (const auto& c : cases) {
    const absl::Status status = Endpoint::Parse(c.target).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.target;
    EXPECT_NE(status.message().find(c.remedy), absl::string_view::npos) << status;
    EXPECT_NE(status.message().find(c.target), absl::string_view::npos) << status;
  }
}

TEST(Endpoint, TakesTheLongestAddresses) {
  EXPECT_TRUE(Endpoint::Parse("unix:/" + std::string(106, 'x')).ok());
  EXPECT_TRUE(Endpoint::Parse("unix:" + std::string(4013, '/') + std::string(82, 'x')).ok());
  EXPECT_TRUE(Endpoint::Parse("unix-abstract:" + std::string(107, 'x')).ok());
}

TEST(Endpoint, IsMadeFromRawBytesToo) {
  EXPECT_EQ(Endpoint::FromPath("/a b%")->ToString(), "unix:/a%20b%25");
  EXPECT_EQ(Endpoint::FromAbstractName(Bytes("\0n", 2))->ToString(), "unix-abstract:%00n");
  EXPECT_EQ(Endpoint::FromAbstractName("//n")->ToString(), "unix-abstract:%2F/n");
  EXPECT_EQ(Endpoint::Parse("unix-abstract:%2F/n")->address(), "//n");
  EXPECT_FALSE(Endpoint::FromPath("").ok());
  EXPECT_FALSE(Endpoint::FromPath(Bytes("a\0b", 3)).ok());
  EXPECT_FALSE(Endpoint::FromAbstractName(std::string(108, 'x')).ok());
}

}  // namespace
}  // namespace udsrpc
