// Server reflection as an extension of a server. What gRPC's own says to the same questions is asked in tests/tools.

#include "udsrpc/reflection.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "tests/integration/combinations.h"
#include "tests/proto/extended.pb.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;

// Each version over each transport.
template <typename Version>
class ReflectionTest : public ::testing::Test {
 protected:
  using Request = typename Version::Request;
  using Response = typename Version::Response;

  ReflectionTest() {
    ServerBuilder builder;
    builder.AddEndpoint(target(), AllTransports()).RegisterService(&service_).AddExtension(&reflection_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string target() const { return "unix:" + dir_.File("s"); }
  // Without the stubs, of which that of v1alpha is deprecated.
  ClientReaderWriter<Request, Response> Open(ClientContext& context) const {
    const std::shared_ptr<Channel> channel = *CreateChannel(target(), {.transport = Version::kTransport});
    return ClientReaderWriter<Request, Response>(
        channel->StreamingCall({Version::kPath, MethodKind::kBidiStreaming}, context, nullptr));
  }

  // Asks on a stream of its own.
  Response Ask(const Request& request) {
    ClientContext context;
    context.set_timeout(kPatience);
    auto stream = Open(context);
    Response response;
    EXPECT_TRUE(stream.Write(request));
    EXPECT_TRUE(stream.Read(response));
    stream.WritesDone();
    Response none;
    EXPECT_FALSE(stream.Read(none));
    const absl::Status status = stream.Finish();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }

  static std::vector<std::string> FileNames(const Response& response) {
    std::vector<std::string> names;
    for (const std::string& serialized : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(serialized));
      names.push_back(file.name());
    }
    return names;
  }

  TempDir dir_;
  TestServiceImpl service_;
  Reflection reflection_;
  std::unique_ptr<Server> server_;
};

template <Transport transport>
struct V1 {
  static constexpr char kPath[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
  using Request = grpc::reflection::v1::ServerReflectionRequest;
  using Response = grpc::reflection::v1::ServerReflectionResponse;
  static constexpr Transport kTransport = transport;
};
template <Transport transport>
struct V1Alpha {
  static constexpr char kPath[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
  using Response = grpc::reflection::v1alpha::ServerReflectionResponse;
  static constexpr Transport kTransport = transport;
};

#ifdef UDSRPC_TEST_WITHOUT_GRPC
using Versions = ::testing::Types<V1<Transport::kSeqpacket>, V1Alpha<Transport::kSeqpacket>>;
#else
using Versions = ::testing::Types<V1<Transport::kSeqpacket>, V1Alpha<Transport::kSeqpacket>, V1<Transport::kGrpc>,
                                  V1Alpha<Transport::kGrpc>>;
#endif
TYPED_TEST_SUITE(ReflectionTest, Versions);

TYPED_TEST(ReflectionTest, ListsTheServices) {
  typename TestFixture::Request request;
  request.set_host("here");
  request.set_list_services("*");
  const auto response = this->Ask(request);
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  EXPECT_THAT(names, ElementsAre("udsrpc.testing.Test", "grpc.reflection.v1.ServerReflection",
                                 "grpc.reflection.v1alpha.ServerReflection"));
  EXPECT_EQ(response.valid_host(), "here");
}

TYPED_TEST(ReflectionTest, SendsTheFileOfASymbolWithItsImports) {
  for (const char* symbol : {"udsrpc.testing.Test", "udsrpc.testing.Test.Echo", "udsrpc.testing.EchoReply.text"}) {
    typename TestFixture::Request request;
    request.set_file_containing_symbol(symbol);
    EXPECT_THAT(this->FileNames(this->Ask(request)), ElementsAre("tests/proto/testing.proto")) << symbol;
  }
  typename TestFixture::Request request;
  request.set_file_by_filename(Extended::descriptor()->file()->name());
  EXPECT_THAT(this->FileNames(this->Ask(request)),
              ElementsAre("tests/proto/extended.proto", "google/protobuf/any.proto"));
}

TYPED_TEST(ReflectionTest, KnowsExtensions) {
  const std::string type = Extended::descriptor()->full_name();
  typename TestFixture::Request all;
  all.set_all_extension_numbers_of_type(type);
  const auto response = this->Ask(all);
  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(), type);
  EXPECT_THAT(response.all_extension_numbers_response().extension_number(), ElementsAre(101, 102));
  typename TestFixture::Request one;
  one.mutable_file_containing_extension()->set_containing_type(type);
  one.mutable_file_containing_extension()->set_extension_number(102);
  EXPECT_THAT(this->FileNames(this->Ask(one)), ElementsAre("tests/proto/extended.proto", "google/protobuf/any.proto"));
}

TYPED_TEST(ReflectionTest, SaysWhatIsNotThere) {
  std::vector<typename TestFixture::Request> requests(5);
  requests[0].set_file_by_filename("none.proto");
  requests[1].set_file_containing_symbol("no.Symbol");
  requests[2].mutable_file_containing_extension()->set_containing_type("no.Type");
  requests[3].mutable_file_containing_extension()->set_containing_type("udsrpc.testing.EchoReply");
  requests[4].set_all_extension_numbers_of_type("no.Type");
  for (const auto& request : requests) {
    const auto response = this->Ask(request);
    EXPECT_EQ(response.error_response().error_code(), static_cast<int>(absl::StatusCode::kNotFound))
        << response.ShortDebugString();
  }
  EXPECT_EQ(this->Ask({}).error_response().error_code(), static_cast<int>(absl::StatusCode::kUnimplemented));
}

TYPED_TEST(ReflectionTest, AStreamAnswersOneQuestionAfterAnother) {
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = this->Open(context);
  for (int i = 0; i < 50; ++i) {
    typename TestFixture::Request request;
    typename TestFixture::Response response;
    request.set_file_containing_symbol(i % 2 == 0 ? "udsrpc.testing.Test" : "no.Symbol");
    ASSERT_TRUE(stream.Write(request));
    ASSERT_TRUE(stream.Read(response));
    EXPECT_EQ(response.has_error_response(), i % 2 == 1);
  }
}

TYPED_TEST(ReflectionTest, AnOpenStreamHoldsUpNoDrain) {
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = this->Open(context);
  typename TestFixture::Request request;
  typename TestFixture::Response response;
  request.set_list_services("*");
  ASSERT_TRUE(stream.Write(request));
  ASSERT_TRUE(stream.Read(response));
  this->server_->Shutdown();
  EXPECT_FALSE(stream.Read(response));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace udsrpc::testing
