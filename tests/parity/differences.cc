#include "tests/parity/differences.h"

#include "gtest/gtest.h"

namespace udsrpc::parity {
namespace {

bool AnyFace(Face /*face*/) { return true; }
// Not where gRPC's stubs are the client.
bool OurStubs(Face face) {
  return face != Face::kGrpcStub && face != Face::kGrpcStubQueue && face != Face::kGrpcStubCallback;
}
// Not where gRPC's services are the server's.
bool OurServices(Face face) { return face != Face::kGrpcService; }
// Where gRPC's stubs block, or are not.
bool NotWithEvents(Face face) { return face != Face::kGrpcStubQueue && face != Face::kGrpcStubCallback; }

bool Reactors(Face face) { return face == Face::kGrpcStubCallback; }
bool NotReactors(Face face) { return !Reactors(face); }

// Every difference on purpose is here; any other fails its scenario.
struct Difference {
  const char* scenario;
  Side side;
  bool (*is_of)(Face face);
  const char* stock;
  const char* udsrpc;
  const char* reason;
};

constexpr Difference kDifferences[] = {
    {"reserved_metadata_keys", Side::kClient, OurStubs, "call 01: Start\n",
     "call 01: metadata grpc-reserved refused\ncall 01: Start\n",
     "udsrpc/metadata.h: keys that begin with grpc- are reserved, and Add says so; gRPC sends them"},
    {"reserved_metadata_keys", Side::kServer, OurServices, "metadata { allowed='1' }\n",
     "metadata { allowed='1' }\nhandler 01: initial metadata grpc-reserved refused\n"
     "handler 01: trailing metadata grpc-reserved refused\n",
     "udsrpc/metadata.h: as above"},
    {"finish_without_reading_all", Side::kClient, NotWithEvents, "Finish = DEADLINE_EXCEEDED\n", "Finish = OK\n",
     "udsrpc/client_stream.h: Finish drops what was not read; gRPC's waits for ever"},
    {"client_stream_finish_without_writes_done", Side::kClient, OurStubs,
     "Finish = DEADLINE_EXCEEDED\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\n",
     "Finish = OK\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\ncall 01: reply ''\n",
     "udsrpc/client_stream.h: Finish half-closes where WritesDone has not; gRPC's waits for ever"},
    {"wrong_message_from_client_in_client_stream", Side::kClient, OurServices,
     "Finish = OK\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\ncall 01: reply ''\n",
     "Finish = INTERNAL\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\n",
     "udsrpc/server_stream.h: INTERNAL whatever the handler returns; gRPC's handler cannot tell it from a half-close"},
    {"wrong_message_from_client_in_bidi", Side::kClient, OurServices, "Finish = OK\n", "Finish = INTERNAL\n",
     "udsrpc/server_stream.h: as above"},
    {"wrong_reply_unary", Side::kClient, NotReactors, "Finish = UNIMPLEMENTED\n", "Finish = INTERNAL\n",
     "udsrpc/channel.h: INTERNAL where a reply does not parse; gRPC takes it for a missing one"},
    {"wrong_reply_unary", Side::kClient, Reactors,
     "Finish = OK\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\ncall 01: reply ''\n",
     "Finish = INTERNAL\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\n",
     "udsrpc/channel.h: as above; gRPC's callback is told OK, and has an empty reply"},
    {"missing_reply_unary", Side::kClient, Reactors,
     "Finish = OK\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\ncall 01: reply ''\n",
     "Finish = UNIMPLEMENTED\ncall 01: initial metadata { }\ncall 01: trailing metadata { }\n",
     "udsrpc/channel.h: as gRPC's other stubs say; its callback is told OK, and has an empty reply"},
    {"wrong_message_from_server_in_server_stream", Side::kClient, AnyFace, "Finish = OK\n", "Finish = INTERNAL\n",
     "udsrpc/client_stream.h: INTERNAL where a message did not parse; gRPC's client cannot tell it from the end"},
};

}  // namespace

std::string ExpectedOfUdsrpc(const std::string& scenario, Face face, Side side, std::string stock) {
  for (const Difference& difference : kDifferences) {
    if (scenario != difference.scenario || side != difference.side || !difference.is_of(face)) continue;
    const size_t found = stock.find(difference.stock);
    if (found == std::string::npos) {
      ADD_FAILURE() << "stock gRPC does not show\n" << difference.stock << "in\n" << stock;
      continue;
    }
    stock.replace(found, std::string(difference.stock).size(), difference.udsrpc);
  }
  return stock;
}

}  // namespace udsrpc::parity
