// The generated code whose names could collide: that it compiles is most of the test. Each class is used here by the
// name that it must have, each header is included, and each service is asked for its methods.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "comments.udsrpc.pb.h"
#include "deprecated.udsrpc.pb.h"
#include "gtest/gtest.h"
#include "long_names.udsrpc.pb.h"
#include "names/beside_grpc.udsrpc.pb.h"
#include "names/classes.udsrpc.pb.h"
#include "names/generic_services.udsrpc.pb.h"
#include "names/imported/messages.udsrpc.pb.h"
#include "names/imported/other_package.udsrpc.pb.h"
#include "names/imported/subpackage.udsrpc.pb.h"
#include "names/methods.udsrpc.pb.h"
#include "names/nested_packages.udsrpc.pb.h"
#include "names/odd-file.name.udsrpc.pb.h"
#include "names/udsrpc_package.udsrpc.pb.h"
#include "no_package.udsrpc.pb.h"
#include "no_service.udsrpc.pb.h"
#include "proto2.udsrpc.pb.h"

namespace {

using ::names::methods::Message;

// The service has `count` methods, each under its own path, whatever its members are called. The stub can be made.
template <typename Service, typename Stub>
void ExpectMethods(const std::string& name, size_t count) {
  const Service service;
  const udsrpc::Service& base = service;
  EXPECT_EQ(base.name(), name);
  EXPECT_EQ(base.methods().size(), count);
  for (const udsrpc::ServerMethod& method : base.methods()) {
    EXPECT_TRUE(absl::StartsWith(method.path(), "/" + name + "/")) << method.path();
  }
  const std::shared_ptr<udsrpc::Channel> channel =
      udsrpc::CreateChannel("unix-abstract:nowhere", {.transport = udsrpc::Transport::kSeqpacket}).value();
  const Stub stub(channel);
  EXPECT_EQ(channel.use_count(), 2);
}

TEST(GeneratedNamesTest, MethodsWithSpecialNames) {
  using namespace ::names::methods;  // NOLINT(google-build-using-namespace)
  ExpectMethods<KeywordsService, KeywordsStub>("names.methods.Keywords", 14);
  ExpectMethods<UnderscoresService, UnderscoresStub>("names.methods.Underscores", 5);
  ExpectMethods<MembersService, MembersStub>("names.methods.Members", 23);
  ExpectMethods<SameAsItsMessageService, SameAsItsMessageStub>("names.methods.SameAsItsMessage", 1);
}

TEST(GeneratedNamesTest, ClassesThatGiveWay) {
  using namespace ::names::classes;  // NOLINT(google-build-using-namespace)
  ExpectMethods<MessageService_, MessageStub__>("names.classes.Message", 1);
  ExpectMethods<EnumService, EnumStub_>("names.classes.Enum", 1);
  ExpectMethods<ValueService_, ValueStub_>("names.classes.Value", 1);
  ExpectMethods<Outer_InnerService, Outer_InnerStub_>("names.classes.Outer_Inner", 1);
  ExpectMethods<Outer_Kind_ValueService, Outer_Kind_ValueStub_>("names.classes.Outer_Kind_Value", 1);
  ExpectMethods<ImportedService, ImportedStub_>("names.classes.Imported", 1);
  ExpectMethods<SubpackageService, SubpackageStub_>("names.classes.Subpackage", 1);
  ExpectMethods<deleteService, deleteStub>("names.classes.delete", 1);
  ExpectMethods<NoMethodsService, NoMethodsStub>("names.classes.NoMethods", 0);
  ExpectMethods<proto2::OldService, proto2::OldStub_>("proto2.Old", 2);
  namespace generic = ::names::generic_services;
  ExpectMethods<generic::GenericService, generic::GenericStub>("names.generic_services.Generic", 1);
  ExpectMethods<generic::Generic_Service, generic::Generic_Stub_>("names.generic_services.Generic_", 1);
}

TEST(GeneratedNamesTest, PackagesThatHideOthers) {
  namespace hiding = ::names::udsrpc::absl::std::grpc;
  ExpectMethods<hiding::ShadowedService, hiding::ShadowedStub>("names.udsrpc.absl.std.grpc.Shadowed", 4);
  ExpectMethods<::udsrpc::GreetingsService, ::udsrpc::GreetingsStub>("udsrpc.Greetings", 1);
  ExpectMethods<::UnpackagedService, ::UnpackagedStub>("Unpackaged", 2);
}

TEST(GeneratedNamesTest, OtherFiles) {
  ExpectMethods<comments::CommentedService, comments::CommentedStub>("comments.Commented", 7);
  ExpectMethods<::names::odd_file_name::OddService, ::names::odd_file_name::OddStub>("names.odd_file_name.Odd", 1);
  namespace beside = ::names::beside_grpc;
  ExpectMethods<beside::GreeterService, beside::GreeterStub_>("names.beside_grpc.Greeter", 1);
  ExpectMethods<beside::GreeterStubService, beside::GreeterStubStub>("names.beside_grpc.GreeterStub", 1);
  namespace long_names = a_package_whose_name_is_long::and_whose_inner_name_is_longer_still;
  ExpectMethods<long_names::AServiceWithALongNameService, long_names::AServiceWithALongNameStub>(
      "a_package_whose_name_is_long.and_whose_inner_name_is_longer_still.AServiceWithALongName", 2);
}

// Overrides in a derived class, under the names that the methods get and beside members that they hide.
class Members final : public ::names::methods::MembersService {
 public:
  absl::Status AddMethod(udsrpc::ServerContext& /*context*/, const Message& /*request*/, Message& /*reply*/) override {
    return absl::DataLossError("AddMethod");
  }
  absl::Status methods(udsrpc::ServerContext& /*context*/, const Message& /*request*/, Message& /*reply*/) override {
    return absl::DataLossError("methods");
  }
  absl::Status name(udsrpc::ServerContext& /*context*/, const Message& /*request*/, Message& /*reply*/) override {
    return absl::DataLossError("name");
  }
  absl::Status MembersService_(udsrpc::ServerContext& /*context*/, const Message& /*request*/,
                               Message& /*reply*/) override {
    return absl::DataLossError("MembersService");
  }
};

class TestContext final : public udsrpc::ServerContext {
 public:
  absl::string_view method() const override { return "unused"; }
  const udsrpc::Peer& peer() const override { return peer_; }
  bool IsCancelled() const override { return false; }

 private:
  const udsrpc::Peer peer_{};
};

TEST(GeneratedNamesTest, RenamedAndHidingMethodsAreServedUnderTheirOwnPaths) {
  const Members members;
  const udsrpc::Service& service = members;
  int overridden = 0;
  for (const udsrpc::ServerMethod& method : service.methods()) {
    if (method.kind() != udsrpc::MethodKind::kUnary) continue;
    TestContext context;
    Message reply;
    const absl::Status status = method.unary()(context, Message(), reply);
    if (status.code() == absl::StatusCode::kDataLoss) {
      EXPECT_EQ(method.path(), "/names.methods.Members/" + std::string(status.message()));
      ++overridden;
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
      EXPECT_TRUE(absl::StartsWith(status.message(), method.path() + ":")) << status;
    }
  }
  EXPECT_EQ(overridden, 4);
}

// The functions of stubs under the names that they get.
TEST(GeneratedNamesTest, RenamedStubFunctionsAreThere) {
  using ::names::methods::KeywordsStub;
  using ::names::methods::MembersStub;
  using ::names::methods::UnderscoresStub;
  using Unary = absl::Status (UnderscoresStub::*)(udsrpc::ClientContext&, const Message&, Message&) const;
  const Unary renamed[] = {&UnderscoresStub::delete__, &UnderscoresStub::Async___};
  const Unary kept[] = {&UnderscoresStub::delete_, &UnderscoresStub::Async_, &UnderscoresStub::Async__};
  EXPECT_NE(renamed[0], kept[0]);
  EXPECT_NE(renamed[1], kept[1]);
  EXPECT_NE(renamed[1], kept[2]);
  EXPECT_NE(&MembersStub::Async_, nullptr);
  EXPECT_NE(&MembersStub::MembersStub_, nullptr);
  EXPECT_NE(&MembersStub::MembersService, nullptr);
  EXPECT_NE(&KeywordsStub::co_await_, nullptr);
  EXPECT_NE(&KeywordsStub::final, nullptr);
}

}  // namespace
