r"""Shapes of credentials: what can be nothing else, wherever it is.

The first table is taken from gitleaks (https://github.com/gitleaks/gitleaks, config/gitleaks.toml at commit
b58d3f102cf3a2c84cb7f923d05c25c9b1aed84b of 2026-07-22; MIT licence, Copyright (c) 2019 Zachary Rice): the rules that know a
credential by its prefix, their expressions without what must follow the credential, `(?i)` written out, and long runs open-ended.
The second holds what issuers document themselves, and what stands in URLs, headers and error messages.

A row is a name, the marks and an expression; the group `secret`, where there is one, is the credential. One of the marks is in everything that the expression matches: a text without any
mark is not searched further. A mark is plain text, and after a `~` how it goes on. No expression takes more than linear time for all of its matches in a
text: one begins with its mark or a bounded stretch, and has one run without a bound, or runs that cannot begin inside one another.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from memo._calls import secret_commands, secret_sentences
from memo._calls.secret_forms import LOGIN, RANDOM, TOKEN, is_aws_secret, is_given

__all__ = ["Shape", "marks", "shapes", "spans"]

_GITLEAKS = r"""
1password-secret-key            A3-              \bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b
1password-service-account-token ops_eyJ          ops_eyJ[a-zA-Z0-9+/]{60,}={0,3}
adobe-client-secret             p8e-             \bp8e-[A-Za-z0-9]{32}\b
age-secret-key                  AGE-SECRET-KEY-1 AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}
airtable-personal-access-token  pat~[A-Za-z0-9]{14}\. \bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b
alibaba-access-key-id           LTAI             \bLTAI[A-Za-z0-9]{20}\b
artifactory-api-key             AKCp             \bAKCp[A-Za-z0-9]{69}\b
artifactory-reference-token     cmVmd            \bcmVmd[A-Za-z0-9]{59}\b
authress-access-key             .acc-,.acc_      \b(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}
aws-access-token                AKIA,ASIA,ABIA,ACCA \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b
aws-bedrock-api-key             ABSK             \bABSK[A-Za-z0-9+/]{109,269}={0,2}
aws-bedrock-api-key-short       bedrock-api-key- bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/=]*
azure-ad-client-secret          Q\x7e            \b[a-zA-Z0-9_~.]{3}\dQ~[a-zA-Z0-9_~.-]{31,34}
clickhouse-cloud-api-secret-key 4b1d             \b4b1d[A-Za-z0-9]{38}\b
clojars-api-token               CLOJARS_         CLOJARS_[A-Za-z0-9]{60}
cloudflare-origin-ca-key        v1.0-~[a-f0-9]{24} \bv1\.0-[a-f0-9]{24}-[a-f0-9]{146}
databricks-api-token            dapi~[a-f0-9]{8} \bdapi[a-f0-9]{32}(?:-\d)?\b
digitalocean-token              do_v1_,doo_v1_,dop_v1_,dor_v1_ \bdo[opr]_v1_[a-f0-9]{64}\b
doppler-api-token               dp.pt.,dp.st.,dp.ct. \bdp\.(?:pt|st|ct)\.[A-Za-z0-9._-]{40,}
duffel-api-token                duffel_test_,duffel_live_ duffel_(?:test|live)_[A-Za-z0-9_=-]{40,}
dynatrace-api-token             dt0c01.          dt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}
easypost-api-token              EZAK,EZTK        \bEZ[AT]K[A-Za-z0-9]{54}\b
facebook-page-access-token      EAAM,EAAC        \bEAA[MC][A-Za-z0-9]{100,}
flutterwave-key                 FLWSECK_TEST-,FLWPUBK_TEST- FLW(?:SEC|PUB)K_TEST-[A-Ha-h0-9]{12,}(?:-X)?
flyio-access-token              fo1_,fm1a_,fm1r_,fm2_ \b(?:fo1_[\w-]{43}|fm1[ar]_[a-zA-Z0-9+/]{100,}={0,3}|fm2_[a-zA-Z0-9+/]{100,}={0,3})
frameio-api-token               fio-u-           fio-u-[A-Za-z0-9_=-]{60,}
gcp-api-key                     AIza             \bAIza[\w-]{35}
github-token                    ghp_,gho_,ghu_,ghs_,ghr_ gh[pousr]_[0-9a-zA-Z]{36,}
github-fine-grained-pat         github_pat_      github_pat_\w{22,}
gitlab-token                    glcbt-,gldt-,glffct-,glft-,glimt-,glagent-,gloas-,glpat-,glptt-,glrt-,glsoat- \bgl(?:cbt|dt|ffct|ft|imt|agent|oas|pat|ptt|rt|soat)-[\w-]{20,}(?:\.[0-9a-z]{2}[0-9a-z]{7})?
gitlab-rrt                      GR1348941        GR1348941[\w-]{20,}
gitlab-session-cookie           _gitlab_session= (?<=_gitlab_session=)[0-9a-z]{32}
grafana-cloud-api-token         glc_             \bglc_[A-Za-z0-9+/]{32,}={0,3}
grafana-service-account-token   glsa_            \bglsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}
harness-api-key                 pat.~[0-9A-Za-z_-]{22}\.,sat.~[0-9A-Za-z_-]{22}\. \b[ps]at\.[a-zA-Z0-9_-]{22}\.[a-zA-Z0-9]{24}\.[a-zA-Z0-9]{20}
hashicorp-tf-api-token          .atlasv1.        \b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}
heroku-api-key                  HRKU-AA          \bHRKU-AA[0-9a-zA-Z_-]{58}
huggingface-access-token        hf_~[A-Za-z0-9]{8} \bhf_[A-Za-z0-9]{30,}
huggingface-organization-token  api_org_         \bapi_org_[A-Za-z]{34}\b
infracost-api-token             ico-~[a-zA-Z0-9]{32} \bico-[a-zA-Z0-9]{32}\b
intra42-client-secret           s-s4t2           \bs-s4t2(?:ud|af)-[A-Fa-f0-9]{64}
linear-api-key                  lin_api_         lin_api_[A-Za-z0-9]{40}
maxmind-license-key             _mmk             \b[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk\b
microsoft-teams-webhook         .webhook.office.com/ https://[a-z0-9]{1,63}\.webhook\.office\.com/webhookb2/[\w@-]{60,120}/IncomingWebhook/[a-z0-9]{32}/[a-z0-9-]{36}
notion-api-token                ntn_             \bntn_[0-9]{11}[A-Za-z0-9]{35}\b
npm-access-token                npm_             \bnpm_[A-Za-z0-9]{36}\b
octopus-deploy-api-key          API-~[A-Z0-9]{26} \bAPI-[A-Z0-9]{26}\b
openshift-user-token            sha256\x7e       \bsha256~[\w-]{43}
perplexity-api-key              pplx-            \bpplx-[a-zA-Z0-9]{40,}
planetscale-token               pscale_tkn_,pscale_oauth_,pscale_pw_ \bpscale_(?:tkn|oauth|pw)_[\w=.-]{32,}
postman-api-token               PMAK-            \bPMAK-[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}\b
prefect-api-token               pnu_             \bpnu_[a-zA-Z0-9]{36}\b
private-key                     PRIVATE\x20KEY   -----BEGIN[ A-Z0-9_]{0,100}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[ A-Z0-9_]{0,100}PRIVATE KEY(?: BLOCK)?-----|\Z)
pulumi-api-token                pul-~[a-f0-9]{8} \bpul-[a-f0-9]{40}\b
pypi-upload-token               pypi-AgE         pypi-AgE[\w-]{50,}
readme-api-token                rdme_            \brdme_[a-z0-9]{70}\b
rubygems-api-token              rubygems_        \brubygems_[a-f0-9]{48}\b
scalingo-api-token              tk-us-           \btk-us-[\w-]{48}
sendgrid-api-token              SG.~[A-Za-z0-9=_-]{8} \bSG\.[A-Za-z0-9=_-]{22}\.[A-Za-z0-9=_-]{43}
sendinblue-api-token            xkeysib-         \bxkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}
sentry-token                    sntrys_,sntryu_  \bsntry[su]_[A-Za-z0-9+/=_]{60,}
settlemint-token                sm_aat_,sm_pat_,sm_sat_ \bsm_[aps]at_[a-zA-Z0-9]{16}\b
shippo-api-token                shippo_live_,shippo_test_ \bshippo_(?:live|test)_[a-fA-F0-9]{40}
shopify-token                   shpat_,shpca_,shppa_,shpss_ shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}
slack-app-token                 xapp-            \bxapp-\d-[A-Za-z0-9-]{20,}
slack-token                     xoxa-,xoxb-,xoxc-,xoxd-,xoxe,xoxo-,xoxp-,xoxr-,xoxs- \bxox(?:[abceoprs]-[A-Za-z0-9-]{10,}|d-[A-Za-z0-9%+/=-]{10,}|e\.xox[bp]-[A-Za-z0-9-]{10,})
slack-webhook-url               hooks.slack.com/ (?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,}
sourcegraph-access-token        sgp_             \bsgp_(?:(?:[a-fA-F0-9]{16}|local)_)?[a-fA-F0-9]{40}
square-access-token             EAAA,sq0atp-,sq0csp- \b(?:EAAA|sq0atp-|sq0csp-)[\w-]{22,}
stripe-access-token             k_live_,k_test_,k_prod_ \b[srp]k_(?:live|test|prod)_[a-zA-Z0-9]{10,}
twilio-api-key                  SK0,SK1,SK2,SK3,SK4,SK5,SK6,SK7,SK8,SK9,SKa,SKb,SKc,SKd,SKe,SKf \bSK[0-9a-f]{32}\b
vault-token                     hvb.,hvs.,hvr.   \bhv[bsr]\.[\w-]{24,}
"""

_OTHERS = r"""
openai                          sk-~(?:[A-Za-z0-9]{20}|[A-Za-z]+-[A-Za-z0-9_-]{16}) \bsk-(?:[A-Za-z0-9]{20,}|(?:proj|ant|or|svcacct|admin|lf|None|service)-[A-Za-z0-9_-]{16,})
cerebras                        csk-             \bcsk-[a-z0-9]{40,}
elevenlabs                      sk_~[0-9a-f]{40},sk_car_ \bsk_(?:[0-9a-f]{40,}|car_[A-Za-z0-9]{16,})
groq                            gsk_             \bgsk_[A-Za-z0-9]{40,}
tavily                          tvly-            \btvly-[A-Za-z0-9-]{20,}
together                        tgp_v1_          \btgp_v1_[\w-]{30,}
xai                             xai-             \bxai-[A-Za-z0-9]{60,}
replicate                       r8_~[A-Za-z0-9]{8} \br8_[A-Za-z0-9]{30,}
fireworks                       fw_~[A-Za-z0-9]{22} \bfw_[A-Za-z0-9]{22,}\b
nvidia                          nvapi-           \bnvapi-[\w-]{50,}
pinecone                        pcsk_            \bpcsk_[A-Za-z0-9]{4,}_[A-Za-z0-9]{40,}
langsmith                       lsv2_            \blsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}
llamacloud                      llx-             \bllx-[A-Za-z0-9]{40,}
jina                            jina_            \bjina_[A-Za-z0-9]{40,}
firecrawl                       fc-~[a-f0-9]{32} \bfc-[a-f0-9]{32}\b
e2b                             e2b_             \be2b_[a-f0-9]{40}\b
google-oauth                    ya29.,GOCSPX-    \b(?:ya29\.[\w-]{20,}|GOCSPX-[\w-]{24,})
google-refresh-token            1//0             \b1//0[\w-]{30,}
azure-storage-key               AccountKey=,SharedAccessKey= (?:(?<=AccountKey=)|(?<=SharedAccessKey=))[A-Za-z0-9+/]{40,}={0,2}
figma                           figd_            \bfigd_[\w-]{30,}
atlassian                       ATATT3,ATBB,ATCTT3 \b(?:ATATT3|ATCTT3)[\w=-]{40,}|\bATBB[A-Za-z0-9]{24,}
docker-hub                      dckr_pat_,dckr_oat_ \bdckr_[po]at_[\w-]{20,}
netlify                         nfp_             \bnfp_[A-Za-z0-9]{36,}
supabase                        sbp_,sb_secret_  \bsb(?:p_[a-f0-9]{40}|_secret_[\w-]{20,})
neon                            napi_            \bnapi_[a-z0-9]{40,}
tailscale                       tskey-           \btskey-[a-z]{1,20}-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,}
render                          rnd_~[A-Za-z0-9]{24} \brnd_[A-Za-z0-9]{24,}\b
new-relic                       NRAK-,NRII-,NRJS- \bNR(?:AK|II|JS)-[A-Za-z0-9_-]{20,}
mapbox                          sk.eyJ           \bsk\.eyJ[\w-]{40,}\.[\w-]{16,}
contentful                      CFPAT-           \bCFPAT-[\w-]{40,}
typeform                        tfp_             \btfp_[\w-]{40,}
sonarqube                       sqp_,squ_,sqa_   \bsq[pua]_[a-f0-9]{40}\b
circleci                        CCIPAT_,CCIPRJ_  \bCCI(?:PAT|PRJ)_[A-Za-z0-9]{10,}_[a-f0-9]{40}
buildkite                       bkua_,bkpt_      \bbk(?:ua|pt)_[a-f0-9]{40}\b
mailgun                         key-~[0-9a-f]{32} \bkey-[0-9a-f]{32}\b
mailchimp                       -us~[0-9] \b[0-9a-f]{32}-us[0-9]{1,2}\b
stripe-webhook                  whsec_           \bwhsec_[A-Za-z0-9+/]{24,}={0,2}
discord-webhook                 /api/webhooks/   (?<=/api/webhooks/)\d{17,20}/[\w-]{60,}
telegram-bot                    :AA~[0-9A-Za-z_-]{33} (?:\b|(?<=bot))\d{8,10}:AA[\w-]{33}
discord-bot                     .G~[0-9A-Za-z_-]{5}\.,.X~[0-9A-Za-z_-]{5}\.,.Y~[0-9A-Za-z_-]{5}\. \b[MNO][A-Za-z\d]{23,27}\.[GXY][\w-]{5}\.[\w-]{27,}
planet-braintree                access_token$    access_token\$production\$[0-9a-z]{16}\$[0-9a-f]{32}
plaid                           access-sandbox-,access-development-,access-production- \baccess-(?:sandbox|development|production)-[0-9a-f-]{36}
amazon-mws                      amzn.mws.        \bamzn\.mws\.[0-9a-f-]{36}
nuget                           oy2              \boy2[a-z0-9]{43}\b
bearer                          earer~(?:\s|\\+[a-z0-9]+)+[A-Za-z0-9._\x7e+/-]{16},EARER~(?:\s|\\+[a-z0-9]+)+[A-Za-z0-9._\x7e+/-]{16} \b[Bb](?:earer|EARER)\s+[A-Za-z0-9._~+/-]{16,}=*
jwt                             eyJ~[A-Za-z0-9_-]+\.eyJ (?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}
url-user                        ://~[^/\s:@"']*:[^/\s@"']+@ (?<=://)[^/\s:@"']{0,256}:[^/\s"']{1,512}(?=@)
signed-url                      Signature=,sig=,-Security-Token=,oauth_signature= (?:(?<=[?&-]Signature=)|(?<=,\ Signature=)|(?<=,Signature=)|(?<=[?&]sig=)|(?<=-Security-Token=)|(?<=oauth_signature=)"?)[\w%+/=.~-]{8,}
basic                           asic~(?:\s|\\+[a-z0-9]+)+[A-Za-z0-9+/]{6},ASIC~(?:\s|\\+[a-z0-9]+)+[A-Za-z0-9+/]{6} \b[Bb](?:asic|ASIC)\s+(?P<base64>[A-Za-z0-9+/]{6,2048}={0,2})
cookie-header                   ookie:\x20,OOKIE:\x20 \b[Cc](?:ookie|OOKIE):\ (?P<secret>[^\s=;,"'{}]{1,128}=[^\s;"'{}]{1,4096}(?:;\ ?[^\s=;"'{}]{1,128}=[^\s;"'{}]{0,4096})*)
curl-user                       -u\x20,--user\x20,--user=,-user\x20 (?:(?<=\s)-u|--(?:proxy-)?user)[ =]\\{0,4}["']?[^\s:"'\\]{1,128}:(?P<secret>[^\s"'\\]{1,256})
curl-user-attached              curl~(?s:.)*-[A-Za-z]*u \bcurl\s(?:[^\n|;&]{0,256}?\s)?-[A-Za-z]{0,8}u\ {0,2}\\{0,4}["']?[^\s:"'\\-][^\s:"'\\]{0,127}:(?P<secret>[^\s"'\\]{1,256})
mysql-password                  mysql~(?s:.)*-p,mariadb~(?s:.)*-p \b(?:mysql|mariadb)[a-z_-]{0,16}\s(?:[^\n|;&]{0,256}?\s)?-p\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})
sshpass                         sshpass~(?s:.)*-p \bsshpass\s{1,4}(?:-[a-z]\s{1,4}){0,4}-p\s{0,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
login-password                  login~(?s:.)*-p,mongo~(?s:.)*-p \b(?:(?:docker|podman|nerdctl|buildah|helm|az|oc|registry)\ login|mongo(?:sh|dump|restore|import|export|stat|top)?)\s(?:[^\n|;&]{0,256}?\s)?-p[ \t]{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
redis-cli-password              redis-cli~(?s:.)*-a \bredis-cli\s(?:[^\n|;&]{0,256}?\s)?-a[ \t]{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
sqlcmd-password                 sqlcmd~(?s:.)*-P \bsqlcmd\s(?:[^\n|;&]{0,256}?\s)?-P\s{0,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
ldap-password                   ldap~(?s:.)*-w \bldap(?:search|modify|add|delete|passwd|whoami|compare|modrdn)\s(?:[^\n|;&]{0,256}?\s)?-w\s{0,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
smbclient-password              smbclient~(?s:.)*-U \bsmbclient\s(?:[^\n|;&]{0,256}?\s)?-U\s{0,4}\\{0,4}["']?[^\s%"'\\]{1,128}%(?P<secret>[^\s"'\\]{1,256})
digest-response                 igest\x20~(?s:.)*response=,IGEST\x20~(?s:.)*response= \b[Dd](?:igest|IGEST)\ (?:[^\n]{0,1024}?[\s,])?response=\\{0,8}["']?(?P<secret>[0-9a-fA-F]{32,128})\b
aws-secret-after-its-id         AKIA~(?s:.)*[A-Za-z0-9/+]{40},ASIA~(?s:.)*[A-Za-z0-9/+]{40} \b(?:AKIA|ASIA)[A-Z0-9]{16}\b.{0,256}?(?<![A-Za-z0-9/+=])(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])
aws-secret-before-its-id        AKIA,ASIA        (?<![A-Za-z0-9/+=])(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])(?=.{0,256}?\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)
go-dsn                          @tcp(,@unix(     (?<![\w.-])[\w.-]{1,64}:(?P<secret>[^\s@]{1,256})@(?:tcp|unix)\(
voyage                          pa-~[A-Za-z0-9_-]{43} \bpa-[A-Za-z0-9_-]{43,}
brave                           BSA~[A-Za-z0-9_-]{24} (?<![\w+/-])BSA[A-Za-z0-9_-]{24,32}(?![\w+/=-])
crates-io                       cio~[A-Za-z0-9]{32} (?<![\w+/-])cio[A-Za-z0-9]{32}(?![\w+/=-])
infisical                       st.~[a-f0-9]{20} \bst\.[a-f0-9]{20,40}\.[a-f0-9]{32}\.[a-f0-9]{32}
paypal                          A21AA            \bA21AA[\w-]{60,}
adyen                           AQE~[A-Za-z0-9]{20} \bAQE[A-Za-z0-9+/=]{40,}-[A-Za-z0-9+/=]{20,}-[\w<>(){}\[\]!#$%&*=?@^|~;:,.+-]{8,}
resend                          re_~[A-Za-z0-9]{6} \bre_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{20,}
new-relic-license               FFFFNRAL         \b[a-f0-9]{32,36}FFFFNRAL\b
honeycomb                       hcaik_,hcbik_,hcxik_,hcalk_,hcblk_,hcxlk_,hcamk_,hcbmk_,hcxmk_ \bhc[abx][ilm]k_[a-z0-9]{58}\b
posthog                         phx_,phs_        \bph[xs]_[A-Za-z0-9]{30,}
logfire                         pylf_v           \bpylf_v\d_(?:[a-z]{2,8}_)?[A-Za-z0-9]{30,}
wandb                           wandb_v1_        \bwandb_v1_[\w]{40,}
azure-devops                    AZDO             \b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b
linear-oauth                    lin_oauth_       \blin_oauth_[a-f0-9]{40,}
notion-secret                   secret_~[A-Za-z0-9]{43} \bsecret_[A-Za-z0-9]{43}\b
asana                           /1~[0-9]{9} \b\d/\d{10,18}(?:/\d{10,18})?:(?P<secret>[a-f0-9]{32})\b
clickup                         pk_~[0-9]+_[A-Z0-9]{32} \bpk_\d{5,12}_[A-Z0-9]{32}\b
hubspot                         pat-na,pat-eu,pat-ap \bpat-(?:na|eu|ap)\d{1,2}-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}
ifttt                           /with/key/       (?<=/with/key/)[\w-]{20,}
dropbox                         sl.~[A-Za-z0-9_-]{60} \bsl\.(?:u\.)?[\w-]{60,}
twitter-bearer                  AAAAAAAAAAAAAAAAAAAA (?<![\w+/=-])A{20,24}[A-Za-z0-9%]{60,200}(?![\w+/=%-])
twitch-chat                     oauth:           \boauth:[a-z0-9]{30}\b
cloudflare                      cfut_,cfat_,cfk_ \bcf(?:ut|at|k)_[A-Za-z0-9]{40,}
vercel                          vcp_,vci_,vca_,vcr_,vck_ \bvc[piark]_[A-Za-z0-9]{40,}
key-in-rpc-url                  .infura.io/,.alchemy.com/,.quiknode.pro/ (?:(?<=\.infura\.io/v3/)|(?<=\.alchemy\.com/v2/)|(?<=\.quiknode\.pro/))[\w-]{32,}
putty-key                       Private-Lines:   \bPrivate-Lines:\ \d{1,4}\s{1,8}(?P<secret>[A-Za-z0-9+/=\s]{16,})
ssh2-key                        PRIVATE\x20KEY\x20---- ----\ BEGIN[ A-Z0-9]{0,100}PRIVATE\ KEY\ ----(?P<secret>.*?)(?:----\ END|\Z)
pgpass                          :5432: (?<![\w.*:-])[\w.*-]{1,128}:5432:[\w*-]{1,64}:[\w*-]{1,64}:(?P<secret>\S{4,256})
oracle-url                      jdbc:oracle:~[a-z]+: (?<=jdbc:oracle:)(?:thin|oci8?):[^\s/@:"']{1,128}/(?P<secret>[^\s@"']{1,256})@
code-verifier                   code_verifier=,client_assertion=,SAMLResponse= (?:(?<=code_verifier=)|(?<=client_assertion=)|(?<=SAMLResponse=))[\w%./~+-]{20,}
okta                            SSWS\x20 (?<=SSWS\ )00[\w-]{38,}
curl-cookie                     curl~(?s:.)*(?:-b|--cookie)\x20 \bcurl\s(?:[^\n|;&]{0,256}?\s)?(?:-b|--cookie)\ {1,2}\\{0,4}["']?(?P<secret>[^\s=;,"'{}\\]{1,128}=[^\s;"'{}\\]{1,4096}(?:;\ ?[^\s=;"'{}\\]{1,128}=[^\s;"'{}\\]{0,4096})*)
crypt-hash                      $2a$,$2b$,$2y$,$1$,$5$,$6$,$apr1$,$y$,$argon2 \$(?:2[aby]\$\d\d\$[./A-Za-z0-9]{53}|(?:1|apr1)\$[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22}|5\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}|6\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}|y\$[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}|argon2(?:id|i|d)\$v=\d{1,4}\$[a-z0-9=,]{1,64}\$[A-Za-z0-9+/]{8,128}\$[A-Za-z0-9+/]{16,128})
netrc                           password\x20,password\t \bmachine\s{1,4}\S{1,256}\s{1,4}login\s{1,4}\S{1,128}\s{1,4}password\s{1,4}(?P<secret>\S{1,256})
wpa-psk                         psk= \bpsk=\\{0,4}"(?P<secret>[^"\n\\]{8,63})
wifi-code                       WIFI:~[A-Z] \bWIFI:(?:[A-OQ-Z]:(?:[^;\\\n]|\\.){0,64};){0,4}P:(?P<secret>(?:[^;\\\n]|\\.){1,128})
oauth-code                      code=~[A-Za-z0-9_./%-]{20} (?:(?<=[?&])|(?<![\w-]))code=(?P<secret>[\w%./~-]{20,2048})
error-of-401                    ey\x20provided:\x20,api\x20key:\x20 (?<=[Kk]ey\ provided:\ )[\w-]{0,64}\*{3,}[\w-]*|(?<=api\ key:\ )\*{4,}\w{2,8}\b
httpie-auth                     -a\x20,--auth\x20,--auth= \bhttps?\s(?:[^\n|;&]{0,256}?\s)?(?:-a|--auth)[ =]\\{0,4}["']?[^\s:"'\\]{1,128}:(?P<secret>[^\s"'\\]{1,256})
"""
_ALL = _GITLEAKS + _OTHERS + secret_commands.ROWS + secret_sentences.ROWS


class Shape(NamedTuple):
    """The shape of one kind of credential."""

    name: str
    marks: tuple[str, ...]
    """One of these is in every text that has the shape."""
    expression: str


@cache
def shapes() -> tuple[tuple[Shape, re.Pattern[str]], ...]:
    """Return all shapes, compiled: when a text has the mark of one, since compiling them takes longer than importing memo."""
    return tuple((shape, re.compile(shape.expression, re.DOTALL)) for shape, _ in _rows(_ALL))


@cache
def _rows(table: str) -> list[tuple[Shape, tuple[str, ...]]]:
    """Return the shapes of a table, with their marks as expressions."""
    rows: list[tuple[Shape, tuple[str, ...]]] = []
    for row in table.strip().splitlines():
        if not row:
            continue
        name, marks, expression = row.split(maxsplit=2)
        parts = [mark.partition("~") for mark in marks.split(",")]
        plain = tuple(mark.encode().decode("unicode_escape") for mark, _, _ in parts)
        expressions = tuple(re.escape(mark) + more for mark, (_, _, more) in zip(plain, parts, strict=True))
        rows.append((Shape(name, plain, expression), expressions))
    return rows


def marks() -> list[str]:
    """Return expressions, one of which matches in every text that has a shape, or in JSON that holds such a text."""
    return sorted({mark for _, expressions in _rows(_ALL) for mark in expressions})


@cache
def _marked() -> dict[str, list[int]]:
    """Return each mark with the places in the table of the shapes that have it: shapes share marks, and a text has few of them."""
    found: dict[str, list[int]] = {}
    for place, (shape, _) in enumerate(shapes()):
        for mark in shape.marks:
            found.setdefault(mark, []).append(place)
    return found


def spans(text: str) -> list[tuple[int, int]]:
    """Return where credentials of any shape are in a text."""
    places = {place for mark, marked in _marked().items() if mark in text for place in marked}
    return [
        found.span("secret" if "secret" in expression.groupindex else 0)
        for shape, expression in (shapes()[place] for place in sorted(places))
        for found in expression.finditer(text)
        if shape.name not in _CHECKS or _CHECKS[shape.name](found)
    ]


def _is_basic(text: str) -> bool:
    """Return whether a text is the base64 of `user:password`."""
    try:
        return ":" in base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False


_CHECKS: dict[str, Callable[[re.Match[str]], bool]] = {
    **secret_commands.CHECKS,
    **secret_sentences.CHECKS,
    "basic": lambda found: _is_basic(found["base64"]),
    "aws-secret-after-its-id": lambda found: is_aws_secret(found["secret"]),
    "aws-secret-before-its-id": lambda found: is_aws_secret(found["secret"]),
    **dict.fromkeys(
        (
            *("curl-user-attached", "mysql-password", "sshpass", "login-password", "redis-cli-password"),
            *("sqlcmd-password", "ldap-password", "smbclient-password", "httpie-auth", "oracle-url"),
            *("wpa-psk", "wifi-code"),
        ),
        lambda found: is_given(found["secret"]),
    ),
    "netrc": lambda found: is_given(found["secret"]),
    **dict.fromkeys(
        ("brave", "crates-io", "voyage", "dropbox", "resend"), lambda found: RANDOM(found[0].lstrip("sl.u"))
    ),
    # `-u 1000:1000` are ids of a user and a group.
    "curl-user": lambda found: is_given(found["secret"]) and not found["secret"].isdigit(),
    "pgpass": lambda found: LOGIN(found["secret"]),
    "oauth-code": lambda found: TOKEN(found["secret"].replace("%", "")),
}
"""What is more to be true of what some expressions match."""
