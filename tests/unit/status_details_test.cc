#include "common/src/status_details.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/hex.h"

namespace udsrpc {
namespace {

using testing::FromHex;
using testing::ToHex;

TEST(StatusDetails, AreEmptyWithoutPayloads) { EXPECT_EQ(SerializeStatusDetails(absl::NotFoundError("x")), ""); }

TEST(StatusDetails, AreTheBytesOfAGoogleRpcStatus) {
  absl::Status status = absl::NotFoundError("no");
  status.SetPayload("t/x", absl::Cord("v"));
  EXPECT_EQ(ToHex(SerializeStatusDetails(status)), ToHex(FromHex("0805 12026e6f 1a08 0a03742f78 120176")));
}

TEST(StatusDetails, ComeBackAsPayloads) {
  absl::Status status = absl::NotFoundError("no");
  status.SetPayload("t/x", absl::Cord("v"));
  status.SetPayload("t/y", absl::Cord(std::string("\0\xff", 2)));
  EXPECT_EQ(MakeStatus(5, "no", SerializeStatusDetails(status)), status);
}

TEST(StatusDetails, ComeBackBesideWordsThatAreNoUtf8) {
  absl::Status status = absl::NotFoundError("no \xff");
  status.SetPayload("t/x", absl::Cord("v"));
  EXPECT_EQ(MakeStatus(5, "no \xff", SerializeStatusDetails(status)), status);
  absl::Status odd = absl::NotFoundError("no");
  odd.SetPayload("t/\xfe", absl::Cord("v"));
  absl::Status expected = absl::NotFoundError("no");
  expected.SetPayload("t/\xef\xbf\xbd", absl::Cord("v"));
  EXPECT_EQ(MakeStatus(5, "no", SerializeStatusDetails(odd)), expected);
}

TEST(StatusDetails, OfAnotherShapeComeAndGoUnchanged) {
  const std::string opaque = "\xff\xff not a message";
  const absl::Status status = MakeStatus(3, "m", opaque);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SerializeStatusDetails(status), opaque);
}

TEST(MakeStatus, MapsNumbersThatAreNoCodeToUnknown) {
  EXPECT_EQ(MakeStatus(17, "m", "").code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(MakeStatus(-1, "m", "").code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(MakeStatus(16, "m", "").code(), absl::StatusCode::kUnauthenticated);
  EXPECT_TRUE(MakeStatus(0, "m", "d").ok());
}

}  // namespace
}  // namespace udsrpc
