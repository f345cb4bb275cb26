#include "udsrpc/server.h"
