// What both gRPC transports convert: messages, metadata, statuses, limits.

#include <climits>
#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "common/src/grpc_limits.h"
#include "common/src/grpc_message.h"
#include "common/src/grpc_metadata.h"
#include "common/src/grpc_status.h"
#include "common/src/status_details.h"
#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/grpc/stock_peers.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(GrpcMessageTest, OfAnySizeIsParsedBack) {
  // Around the sizes where gRPC keeps bytes inline and where the writer begins a second block.
  for (const size_t size : {0, 1, 20, 21, 22, 23, 24, 64, 1 << 16, (1 << 20) - 4, 1 << 20, (3 << 20) + 1}) {
    google::protobuf::BytesValue message;
    message.set_value(std::string(size, 'x'));
    grpc::ByteBuffer buffer;
    ASSERT_TRUE(SerializeToGrpc(message, buffer));
    EXPECT_EQ(FromByteBuffer(buffer), message.SerializeAsString());
    google::protobuf::BytesValue parsed;
    EXPECT_TRUE(ParseFromGrpc(buffer, parsed));
    EXPECT_EQ(parsed.value(), message.value());
  }
}

TEST(GrpcMessageTest, OfManySlicesIsParsed) {
  google::protobuf::BytesValue message;
  message.set_value(std::string(1000, 'x'));
  std::vector<grpc::Slice> slices;
  for (const char byte : message.SerializeAsString()) slices.emplace_back(std::string(1, byte));
  grpc::ByteBuffer buffer(slices.data(), slices.size());
  google::protobuf::BytesValue parsed;
  EXPECT_TRUE(ParseFromGrpc(buffer, parsed));
  EXPECT_EQ(parsed.value(), message.value());
}

TEST(GrpcMessageTest, ThatIsNoneIsNotParsed) {
  google::protobuf::StringValue parsed;
  grpc::ByteBuffer none;
  EXPECT_FALSE(ParseFromGrpc(none, parsed));
  grpc::ByteBuffer truncated = ToByteBuffer("\x0a\x05hi");
  EXPECT_FALSE(ParseFromGrpc(truncated, parsed));
  EXPECT_FALSE(truncated.Valid());
  grpc::ByteBuffer empty = ToByteBuffer("");
  EXPECT_TRUE(ParseFromGrpc(empty, parsed));
}

TEST(GrpcMetadataTest, LeavesOutWhatGrpcAdds) {
  const GrpcMetadata received{{"grpc-timeout", "1S"},     {"grpc-accept-encoding", "gzip"},
                              {"user-agent", "grpc-c++"}, {"b", "2"},
                              {"a-bin", "\x01"},          {"b", "1"},
                              {"umlaut", "\xc3\xa4"}};
  EXPECT_THAT(FromGrpcMetadata(received), ElementsAre(Pair("a-bin", "\x01"), Pair("b", "2"), Pair("b", "1")));
  EXPECT_THAT(FromGrpcMetadata({}), IsEmpty());
}

// As a server sends it and a client receives it.
absl::Status ThereAndBack(const absl::Status& status) {
  const grpc::Status sent = ToGrpcStatus(status);
  const std::string details = sent.error_details();
  GrpcMetadata trailing;
  if (!details.empty()) trailing.emplace("grpc-status-details-bin", details);
  return FromGrpcStatus(sent, trailing);
}

TEST(GrpcStatusTest, KeepsCodeMessageAndPayloads) {
  EXPECT_EQ(ThereAndBack(absl::OkStatus()), absl::OkStatus());
  for (int code = 1; code <= 16; ++code) {
    absl::Status status(static_cast<absl::StatusCode>(code), "\t% wörds \n");
    EXPECT_EQ(ThereAndBack(status), status);
    status.SetPayload("type.googleapis.com/x.Y", absl::Cord(std::string("\0\xff", 2)));
    status.SetPayload("type.googleapis.com/x.Z", absl::Cord(""));
    EXPECT_EQ(ThereAndBack(status), status);
  }
}

TEST(GrpcStatusTest, KeepsDetailsThatItDoesNotUnderstand) {
  absl::Status status = absl::AbortedError("x");
  status.SetPayload(kOpaqueDetailsTypeUrl, absl::Cord("\xff no protobuf"));
  EXPECT_EQ(ToGrpcStatus(status).error_details(), "\xff no protobuf");
  EXPECT_EQ(ThereAndBack(status), status);
}

TEST(GrpcStatusTest, TakesNoDetailsFromOtherKeys) {
  const grpc::Status status(grpc::StatusCode::ABORTED, "x", "of another key");
  EXPECT_EQ(FromGrpcStatus(status, {{"grpc", "of another key"}}), absl::AbortedError("x"));
}

TEST(GrpcStatusTest, OfNoKnownCodeIsUnknown) {
  EXPECT_EQ(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(17), "x"), {}), absl::UnknownError("x"));
  EXPECT_EQ(FromGrpcStatus(grpc::Status(grpc::StatusCode::DO_NOT_USE, "x"), {}), absl::UnknownError("x"));
}

TEST(GrpcLimitsTest, FitGrpcsArguments) {
  EXPECT_EQ(GrpcMessageLimit(0), 0);
  EXPECT_EQ(GrpcMessageLimit(4 << 20), 4 << 20);
  EXPECT_EQ(GrpcMessageLimit(SIZE_MAX), INT_MAX);
  EXPECT_EQ(GrpcMetadataLimit(8 << 10), (8 << 10) + (1 << 20));
  EXPECT_EQ(GrpcMetadataLimit(SIZE_MAX), 16 << 20);
}

}  // namespace
}  // namespace udsrpc::testing
