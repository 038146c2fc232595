r"""Passwords that commands, statements of databases, configurations and calls in code give by where they are, not under a name.

Rows as in `secret_shapes`: a name, the marks, and an expression whose group `secret` is the credential.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from memo._calls.secret_forms import CHOSEN, LOGIN, PASSWORD, RANDOM, TOKEN, is_given

__all__ = ["CHECKS", "ROWS"]

ROWS = r"""
sql-identified                  dentified\x20,DENTIFIED\x20 \b(?i:identified\s{1,4}(?:with\s{1,4}\S{1,64}\s{1,4})?by\s{1,4}(?:password\s{1,4})?)N?\\{0,4}["']?(?P<secret>[^\s"'\\;,]{1,256})(?=["'\\;,]|\s{0,8}(?:\n|\Z))
sql-set-password                SET\x20PASSWORD,set\x20password,Set\x20password \b(?i:set\s{1,4}password(?:\s{1,4}for\s{1,4}\S{1,128})?\s{0,4}(?:=|\bfrom\b|\bto\b)\s{0,4}(?:password\s?\(\s?)?)N?\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
sql-set-password-to             SET\x20PASSWORD\x20,set\x20password\x20 \b(?i:set\s{1,4}password\s{1,4}from\s{1,4})["'][^"'\n]{1,256}["'](?i:\s{1,4}to\s{1,4})["'](?P<secret>[^"'\\\n]{1,256})
sql-procedure                   sp_addlogin,sp_password \bsp_(?:addlogin|password)\s{1,4}N?["'][^"'\n]{1,128}["']\s{0,4},\s{0,4}N?["'](?P<secret>[^"'\\\n]{1,256})
sql-key                         PRAGMA~\s+\w*key,pragma~\s+\w*key,ATTACH\x20,attach\x20database \b(?i:pragma\s{1,4}(?:re|hexre|hex)?key\s{0,4}[=(]\s{0,4}|attach\s[^;\n]{1,256}?\skey\s{1,4})\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
redis-directive                 requirepass\x20,masterauth\x20 \b(?:requirepass|masterauth)\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})(?=["'\\]|\s{0,8}(?:\n|\Z|--))
redis-auth                      AUTH\x20~\S \bAUTH\ {1,2}(?:[\w.-]{1,64}\ {1,2})?\\{0,4}["']?(?P<secret>[^\s"'\\=:]{1,256})(?=["'\\]|\s|\Z)
redis-acl                       on\x20>,SETUSER\x20 \b(?:user|SETUSER)\ [\w.-]{1,64}\ (?:[^\n]{0,128}?\ )?>(?P<secret>[^\s"'\\]{1,256})
redis-sentinel                  auth-pass\x20 \bauth-pass\s{1,4}\S{1,128}\s{1,4}(?P<secret>\S{1,256})
router                          enable\x20secret,enable\x20password,-server\x20key,isakmp\x20key,username\x20~\S+\s(?:privilege\s\d+\s)?(?:password|secret)\s,neighbor\x20~\S+\spassword \b(?:enable|username\s\S{1,64}(?:\sprivilege\s\d{1,2})?|neighbor\s\S{1,64}|(?:tacacs|radius)-server|crypto\sisakmp)\s(?:secret|password|key)\s(?:\d\s)?(?P<secret>[^\s"'\\]{1,256})(?=["'\\]|\s{0,8}(?:\n|\r|\Z)|\saddress)
ipsec-secret                    :\x20PSK\x20,:\x20EAP\x20,:\x20XAUTH\x20 :\s{1,4}(?:PSK|EAP|XAUTH)\s{1,4}\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
haproxy                         insecure-password\x20,stats\x20auth\x20 (?:\binsecure-password\s{1,4}|\bstats\s{1,4}auth\s{1,4}[^\s:]{1,128}:)(?P<secret>[^\s"'\\]{1,256})
npmrc                           _auth\x20=,_auth= (?<![\w-])_auth\ ?=\ ?"?(?P<secret>[A-Za-z0-9+/=]{16,})
ldap-hash                       {SSHA,{CRYPT},{PBKDF2,{SMD5} \{(?:SSHA|PBKDF2|CRYPT|SMD5)[\w-]{0,8}\}[A-Za-z0-9./$+=]{20,}
add-user                        rabbitmqctl\x20,htpasswd\x20- \b(?:rabbitmqctl\s(?:[^\n]{0,64}?\s)?(?:add_user|change_password|authenticate_user)|htpasswd\s(?:[^\n]{0,64}?\s)?-[A-Za-z]{0,4}b[A-Za-z]{0,4}\s{1,4}\S{1,128})\s{1,4}\\{0,4}["']?[\w.@-]{1,64}\\{0,4}["']?\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})
echoed                          |\x20kinit,|\x20su\x20,|\x20cryptsetup\x20,|\x20smbclient\x20,-on-stdin,secret\x20put\x20,secret\x20create\x20,sudo\x20-S,--password-stdin,--stdin,--with-token,passphrase-fd,chpasswd \b(?:echo|printf)\s{1,4}(?:-n\s{1,4})?\\{0,4}["']?(?:[\w.-]{1,64}:)?(?P<secret>[^\s"'\\|:]{1,256})\\{0,4}["']?\s{0,4}\|[^\n|]{0,128}?(?:sudo\s{1,4}-S|--password-stdin|--stdin|--with-token|passphrase-fd|chpasswd|-on-stdin|\b(?:kinit|su|cryptsetup|smbclient)\b|\bsecret\s(?:put|create))
windows-user                    net\x20user\x20,/user: (?:\bnet\s{1,4}user\s{1,4}\S{1,64}|\s/user:\S{1,128})\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\/]{1,256})
windows-option                  /p:~\S,signtool\x20 (?:(?<=\s)/p:|\bsigntool\s(?:[^\n]{0,256}?\s)?/p\s{1,4})\\{0,4}["']?(?P<secret>[^\s"'\\=/]{1,256})(?=\s|["'\\]|\Z)
secure-string                   SecureString SecureString\s{1,4}(?:-String\s{1,4})?\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
user-secrets                    user-secrets\x20set \buser-secrets\ set\s{1,4}["']?[\w:.-]{1,128}["']?\s{1,4}["']?(?P<secret>[^\s"'\\]{1,256})
option-p                        cqlsh\x20-,twine\x20upload,cypher-shell\x20-,beeline\x20-,rdesktop\x20,psexec\x20,unlock-keychain,rabbitmqadmin,ncftp,nxc\x20,crackmapexec\x20,netexec\x20,evil-winrm\x20,az\x20login\x20 \b(?:az\ login|ncftp[a-z]{0,4}|nxc|netexec|crackmapexec|evil-winrm|cqlsh|twine|cypher-shell|beeline|rdesktop|psexec|unlock-keychain|rabbitmqadmin)\s(?:[^\n|;&]{0,256}?\s)?-p\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
option-capital-p                ipmitool\x20-,mosquitto_,zip\x20- \b(?:ipmitool|mosquitto_\w{1,8}|(?:un)?zip)\s(?:[^\n|;&]{0,256}?\s)?-P\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
archive                         7z\x20~[a-z]\x20,rar\x20~[a-z]\x20 \b(?:7z[ar]?|unrar|rar)\s(?:[^\n|;&]{0,256}?\s)?-p\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})
putty                           -pw\x20 (?<=\s)-pw\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})
option-pass                     -storepass\x20,-keypass\x20,-passwd\x20,-passphrase\x20 (?<=\s)-(?:src|dest)?(?:storepass|keypass|passwd|passphrase)\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})
curl-cert                       -E\x20,--cert\x20 \bcurl\s(?:[^\n|;&]{0,256}?\s)?(?:-E|--cert)\s{1,2}[^\s:"'\\]{1,128}:(?P<secret>[^\s"'\\/]{1,256})
openssl                         openssl\x20~[a-z] \bopenssl\s(?:[^\n|;&]{0,256}?\s)?-[kK]\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
ssh-keygen                      ssh-keygen\x20- \bssh-keygen\s(?:[^\n|;&]{0,256}?\s)?-[NP]\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
sqlplus                         sqlplus\x20 \bsqlplus\s(?:-\w{1,8}\s){0,4}\\{0,4}["']?\w{1,64}/(?P<secret>[^\s"'\\/]{1,256})@
lftp                            lftp\x20 \blftp\s(?:[^\n|;&]{0,256}?\s)?-u\s{1,4}\\{0,4}["']?[^\s,"'\\]{1,128},(?P<secret>[^\s"'\\]{1,256})
option-auth                     -auth\x20,-A\x20 (?:(?<=\s)-auth|\bab\s(?:[^\n|;&]{0,256}?\s)?-A)\s{1,4}\\{0,4}["']?[\w.@-]{1,64}:(?P<secret>[^\s"'\\]{1,256})
snmp                            snmp~[a-z]+\x20- \bsnmp[a-z]{1,12}\s(?:[^\n|;&]{0,256}?\s)?-A\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
snmp-privacy                    snmp~[a-z]+\x20- \bsnmp[a-z]{1,12}\s(?:[^\n|;&]{0,256}?\s)?-X\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\-][^\s"'\\]{0,255})
login-token                     vault\x20login\x20,cargo\x20login\x20,snyk\x20auth\x20 \b(?:vault\ login|cargo\ login|snyk\ auth)\s{1,4}(?P<secret>[^\s"'\\]{16,256})
sonar-login                     sonar.login= sonar\.login=(?P<secret>[^\s"'\\&]{16,256})
secret-store                    keyvault\x20secret\x20set,secretsmanager\x20,put-parameter\x20 \b(?:keyvault\ secret\ set|secretsmanager\ (?:create|put|update)-secret(?:-value)?|put-parameter(?=[^\n]{0,512}?SecureString))\s(?:[^\n|;&]{0,256}?\s)?--(?:value|secret-string)[ =]\\{0,4}["']?(?P<secret>[^\s"'\\]{1,1024})
ftp-user                        ftp>\x20user\x20 \bftp>\ user\ \S{1,128}\ (?P<secret>[^\s"'\\]{1,256})
gh-secret                       gh\x20secret\x20set \bgh\ secret\ set\s(?:[^\n|;&]{0,256}?\s)?(?:--body|-b)[ =]\\{0,4}["']?(?P<secret>[^\s"'\\]{1,1024})
kubectl-literal                 --from-literal --from-literal[ =]\\{0,4}["']?[\w.-]{1,128}=\\{0,4}["']?(?P<secret>[^\s"'\\]{1,1024})
nmcli                           nmcli\x20,netsh\x20 \b(?:nmcli\s(?:[^\n]{0,256}?\s)?password\s{1,4}|netsh\s(?:[^\n]{0,256}?\s)?key=)\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})
expect                          send\x20~\\*["'],send\x20-- assword:?[^\n]{0,64}?\n?[\x20\t]{0,8}\bsend\s{1,4}(?:--\s)?\\{0,4}["'](?P<secret>[^\s"'\\]{1,256})
unseal-key                      nseal\x20Key\x20 \bUnseal\ Key\ \d{1,2}:\ (?P<secret>[A-Za-z0-9+/=]{32,})
twilio-auth-token               AC~[0-9a-f]{32} \bAC[0-9a-f]{32}\\{0,4}["']?[\s,:;]{1,4}\\{0,4}["']?(?P<secret>[0-9a-f]{32})\b
zapier-hook                     hooks.zapier.com/ (?<=hooks\.zapier\.com/hooks/)(?:catch|standard)/\d{4,12}/[\w-]{5,64}
make-hook                       .make.com/~[a-z0-9]{20},.integromat.com/ \bhook\.(?:[a-z]{2}\d{1,2}\.)?(?:make|integromat)\.com/(?P<secret>[a-z0-9]{20,64})
pipedream-hook                  .m.pipedream.net \b(?P<secret>eo[a-z0-9]{8,32})\.m\.pipedream\.net
hook-with-uuid                  /webhook~(?:-test)?/[0-9a-f]{8}-,/v2/hook/,webhook/send?key=,hc-ping.com/,webhook.site/ (?:/webhook(?:-test)?/|/bot/v2/hook/|/webhook/send\?key=|\bhc-ping\.com/|\bwebhook\.site/)(?P<secret>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})
chat-hook                       /hooks/~[A-Za-z0-9]{17} /hooks/(?P<secret>[a-z0-9]{26}|[A-Za-z0-9]{17}/[A-Za-z0-9]{20,64})(?![\w/-])
conda-channel                   /t/~[\w-]{20} ://[\w.-]{1,128}/t/(?P<secret>[\w-]{20,128})(?=/)
pydantic-input                  input_value= (?m:^)[\w.]{0,64}(?:[pP]ass(?:word|wd|phrase)|[sS]ecret|[tT]oken|[kK]ey)[\w.]{0,16}\r?\n\ \ [^\n]{1,512}?input_value='(?P<secret>[^'\n]{6,256})'
pgpass-of-any-port              :5433:,:6432:,:*: (?<![\w.*:-])[\w.*-]{1,128}:(?:5433|6432|\*):[\w*-]{1,64}:[\w*-]{1,64}:(?P<secret>\S{4,256})
winexe                          winexe\x20,rpcclient\x20 \b(?:winexe|rpcclient)\s(?:[^\n|;&]{0,256}?\s)?-U[ \t]{0,4}\\{0,4}["']?[^\s%"'\\]{1,128}%(?P<secret>[^\s"'\\]{1,256})
login-call-of-names             getConnection(~[^"'],Connection(~[^"'],Credentials(~\\*["'] \b(?:(?:getC|C)onnection\(\s{0,8}[^\n"'(),]{1,64},\s{0,8}|Credentials\(\s{0,8}(?:\\{0,4}"[^"\n\\]{0,128}\\{0,4}",\s{0,8}){2})\\{0,4}["'][^"'\n\\]{1,128}\\{0,4}["'],\s{0,8}\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
imap-login                      \x20LOGIN\x20 \b(?!AUTH\b)[A-Za-z0-9]{1,8}\ LOGIN\ \\{0,4}"?[^\s"\\]{1,128}\\{0,4}"?\ \\{0,4}"?(?P<secret>[^\s"\\]{1,256})
pop-pass                        PASS\x20~\S (?m:^|(?<=>\ )|(?<=:\ ))PASS\ (?P<secret>\S{4,256})(?=\s{0,4}$)
nickserv                        ickServ\x20~:?(?:identify|IDENTIFY) \bNickServ\ :?(?i:identify)\ (?:[\w-]{1,32}\ )?(?P<secret>[^\s"'\\]{4,256})
sasl-plain                      AUTH\x20PLAIN\x20 \bAUTH\ PLAIN\ (?P<secret>[A-Za-z0-9+/]{8,512}={0,2})(?=[\s"'\\]|\Z)
redis-monitor                   "AUTH~\\*"\x20 "AUTH\\{0,4}"\ (?:\\{0,4}"[^"\\]{1,64}\\{0,4}"\ )?\\{0,4}"(?P<secret>[^"\\]{1,256})
snmp-community                  -server\x20community \bsnmp-server\ community\ (?P<secret>\S{4,64})
printed                         $\x20op\x20read,$\x20pass\x20,$\x20pwgen,$\x20openssl\x20rand,$\x20bw\x20get \$\ (?:op\ read|pass|pwgen|openssl\ rand|bw\ get)\b[^\n]{0,128}\n(?P<secret>[^\s"'\\]{8,512})
user-colon-password             npmAuthIdent,BUNDLE_ \b(?:npmAuthIdent|BUNDLE_[A-Z0-9_]{1,64})\\{0,4}["']?[:=]\s{0,2}\\{0,4}["']?[\w.@-]{1,64}:(?P<secret>[^\s"'\\/]{4,256})
netrc-login                     login\x20~\S+\spassword\s \blogin\s{1,4}\S{1,128}\s{1,4}password\s{1,4}(?P<secret>\S{6,256})
user-then-pass                  ser~:?\s+\S+(?:\s|\\[nrt])+(?:[pP]ass|pw),ogin~:?\s+\S+(?:\s|\\[nrt])+(?:[pP]ass|pw),name~:?\s+\S+(?:\s|\\[nrt])+(?:[pP]ass|pw) \b(?:[uU]ser(?:name)?|[lL]ogin):?\s{1,16}\S{1,128}\s{1,16}(?:[pP]ass(?:wd|word)?|pwd?)\s{1,16}(?P<secret>\S{8,256})
said-before                     as\x20~(?:the|a|your|my)\s(?:[a-z]+\s)?(?:pass|token|secret|key) [`"'](?P<secret>[^\s`"'\\]{6,256})[`"']\ as\ (?:the|a|your|my)\ (?:[a-z]{1,16}\ )?(?:pass(?:word|phrase)?|token|secret|key)\b
login-call                      NetworkCredential(,PasswordAuthentication(,getConnection(,mysqli(,mysqli_connect(,mysql_connect(,PDO(,.login(,.auth(,WiFi.begin(,basic_auth~\W+["'] (?:\b(?:NetworkCredential|PasswordAuthentication|getConnection|mysqli?_connect|mysqli|PDO|WiFi\.begin)\(|\.(?:login|auth)\(|\bbasic_auth\W{1,3}?)\s{0,8}(?:\$[\w>-]{1,64}|\\{0,4}["'][^"'\\\n]{1,256}\\{0,4}["'])\s{0,2},\s{0,8}(?:\\{0,4}["'][^"'\\\n]{1,256}\\{0,4}["']\s{0,2},\s{0,8})?(?:Some\()?\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
redis-auth-call                 .auth( \.auth\(\\{0,4}["'](?P<secret>[^\s"'\\]{1,256})\\{0,4}["']\)
call-with-user                  assword(~\\*["'],ogin(~\\*["'],uthenticate(~\\*["'],ignIn(~\\*["'],ign_in(~\\*["'],redentials(~\\*["'],ser(~\\*["'] (?:[pP]assword|[lL]ogin|[aA]uthenticate|[sS]ign(?:In|_in)|[cC]redentials|(?:[cC]reate|[aA]dd|[cC]reate_|[aA]dd_)[uU]ser)\(\\{0,4}["'][\w.@+-]{1,128}\\{0,4}["'],\s{0,4}\\{0,4}["'](?P<secret>[^\s"'\\]{1,256})\\{0,4}["']
tool-config                     http-basic. \bhttp-basic\.[\w.-]{1,64}\s{1,4}[^\s"'\\]{1,128}\s{1,4}\\{0,4}["']?(?P<secret>[^\s"'\\]{1,256})
password-abbreviated            pw:\x20,pw=,PW:\x20,PW= (?<![\w-])(?:pw|PW)(?::\ |=)\\{0,4}["'`]?(?P<secret>[^\s"'`\\,;]{6,256})
erlang-tuple                    {password\x2c,{secret\x2c,{token\x2c,{pass\x2c \{(?:password|secret|token|pass),\s?(?:<<)?\\{0,4}"(?P<secret>[^\s"\\]{6,256})
said-to-enter                   nter\x20~["'`\\],ype\x20~["'`\\],nswer\x20~["'`\\],eply\x20with\x20 [pP]ass(?:word|phrase|code)\b[^\n"'`]{0,32}?\b(?:enter|type|answer|reply\ with)\ \\{0,4}["'`](?P<secret>[^\s"'`\\]{6,256})\\{0,4}["'`]
recovery-codes                  ecovery\x20~[cC]ode,ackup\x20~[cC]ode \b(?:[rR]ecovery|[bB]ackup)\ [cC]odes?:\s{1,8}(?P<secret>(?=[a-z-]{0,12}\d)(?:[a-z0-9]{4,12}(?:-[a-z0-9]{4,12}){1,3}|[0-9a-f]{32,64})(?:[\s,]{1,4}[a-z0-9]{4,12}(?:-[a-z0-9]{4,12}){1,3}\b){0,15})
said-of                         as\x20~(?:the|your|my)\s(?:(?:root|admin|database|login|sudo)\s)?pass,for\x20~(?:the|your|my)\s(?:(?:root|admin|database|login|sudo)\s)?pass,in\x20~(?:the|your|my)\s(?:(?:root|admin|database|login|sudo)\s)?pass,into\x20~(?:the|your|my)\s(?:(?:root|admin|database|login|sudo)\s)?pass \b(?:[uU]se|[eE]nter|[tT]ype|[pP]ut|[tT]ry)\ [`"']?(?P<secret>[^\s`"'\\]{8,256})[`"']?\ (?:as|for|in|into)\ (?:the|your|my)\ (?:[a-z]{4,8}\ )?pass(?:word|phrase|code)?\b
typed-after                     .fill(~\\*["'],.type(~\\*["'],end_keys(~\\*["'],sendKeys(~\\*["'],pressSequentially(~\\*["'] (?:[pP]ass(?:word|wd|code|phrase)|PASSWORD|[oO][tT][pP])[^\n;]{0,64}?\)\s{0,8}\.(?:fill|type|send_keys|sendKeys|pressSequentially)\(\s{0,4}\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
typed-into                      fill(~\s*(?:\w+\s?=\s?)?\\*["'],type(~\s*(?:\w+\s?=\s?)?\\*["'],_text(~\s*(?:\w+\s?=\s?)?\\*["'],Text(~\s*(?:\w+\s?=\s?)?\\*["'],etValue(~\s*(?:\w+\s?=\s?)?\\*["'],et_value(~\s*(?:\w+\s?=\s?)?\\*["'],fill_in~[\s(] (?<![A-Za-z])(?:(?:fill|type|(?:type|input|enter)_?[tT]ext|set_?[vV]alue)\(|fill_in[\s(])\s{0,4}(?:\w{1,16}=\\{0,4}["'][\w-]{0,32}\\{0,4}["'],\s)?(?:\w{1,16}\s?=\s?)?\\{0,4}["'][^\n,]{0,64}?(?:[pP]ass(?:word|wd|code|phrase)|[pP]wd|[oO][tT][pP])[^\n,]{0,16},\s{0,4}(?:(?:with|text|value)\s?[:=]\s{0,4})?\\{0,4}["'](?P<secret>[^"'\\\n]{1,256})
signing-call                    jwt.encode(,jwt.sign(,hmac.new(,Fernet( (?:\bjwt\.(?:encode|sign)\([^\n]{1,128}?,\s{0,4}|\b(?:hmac\.new|Fernet)\()b?\\{0,4}["'](?P<secret>[^\s"'\\]{16,512})
mac                             awk\x20id=,AWK\x20ID=,MAC\x20id= \b(?:[Hh]awk|HAWK|MAC)\ (?:[^\n]{0,512}?[\s,])?mac=\\{0,8}["']?(?P<secret>[A-Za-z0-9+/=]{16,128})
http-signature                  ignature\x20~[kK]ey[iI]d= \b[Ss]ignature\ [^\n]{0,512}?\bsignature=\\{0,8}["']?(?P<secret>[A-Za-z0-9+/=]{40,1024})
mnemonic                        nemonic,NEMONIC,hrase,HRASE,eed\x20words,ecovery\x20words,EED_WORDS,eed_words,eedWords,"seed" (?:[Mm]nemonic|MNEMONIC|(?:[Ss]eed|SEED|[Rr]ecovery|RECOVERY|[Bb]ackup|[Ss]ecret|SECRET)[ _-]?(?:[Pp]hrase|PHRASE|[Ww]ords|WORDS)|"seed)\W{1,16}(?:is\W{1,8})?(?P<secret>[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23})\b(?![ ,]{1,2}[a-z])
hex-private-key                 rivate~[\x20_-]?[kK]ey,RIVATE_KEY (?:[Pp]rivate[ _-]?[kK]ey|PRIVATE_KEY)[\w"'\\]{0,8}\W{1,8}?(?:is\s{1,4})?(?:0x)?(?P<secret>[0-9a-fA-F]{64})\b
extended-private-key            prv~[1-9A-HJ-NP-Za-km-z]{60} \b[a-zA-Z]prv[1-9A-HJ-NP-Za-km-z]{107}\b
private-key-der                 IBADANBgkqhkiG9w0BAQEFAASC,IBAAKC,MHcCAQEE,MC4CAQAwBQYDK2VwBCIE,CAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcE,b3BlbnNzaC1rZXktdjE \b(?:MII[A-Za-z0-9+/]{2,3}[A-Za-z0-9]?IBADANBgkqhkiG9w0BAQEFAASC|MII[A-Za-z0-9+/]{2}[A-Za-z0-9+/]{0,2}IBAAKC|MHcCAQEE|MC4CAQAwBQYDK2VwBCIE|MI[A-Za-z0-9+/]{1,4}CAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcE|b3BlbnNzaC1rZXktdjE)[A-Za-z0-9+/_=\s-]{32,}
minisign                        RWRTY0Iy \bRWRTY0Iy[A-Za-z0-9+/=]{40,}
rsa-key-value                   <D> <D>(?P<secret>[A-Za-z0-9+/=\s]{40,})</D>
gpg-key                         (private-key \(private-key\b.{0,4096}?\(d\ \#(?P<secret>[0-9A-Fa-f]{32,})\#
proxy-url                       trojan://,ss://~\w (?:(?<=trojan://)[^\s@/"']{4,256}|(?<=\bss://)[A-Za-z0-9_=-]{12,512})(?=@)
token-user-url                  ://~[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*@ (?<=://)(?P<secret>[A-Za-z0-9_-]{20,256})(?=@)
link                            /reset,/verify,/confirm,/invit /(?:reset|verify|confirm|invit(?:e|ation))[\w-]{0,24}/(?:[\w-]{1,24}/)?(?P<secret>[\w-]{20,512})
session-in-url                  sessionid=,auth=,sid=,appid= [?&](?:sessionid|session_id|sid|auth|appid)=(?P<secret>[\w%.~+-]{16,1024})
cookie-jar                      \x09TRUE\x09,\x09FALSE\x09,\\tTRUE\\t,\\tFALSE\\t (?m:^)[^\t\n]{1,256}\t(?:TRUE|FALSE)\t\S{1,256}\t(?:TRUE|FALSE)\t\d{1,12}\t[^\t\n]{1,256}\t(?P<secret>[^\s]{6,4096})
password-of             assword~\s(?:for|of)\s,assphrase~\s(?:for|of)\s,pw~\s(?:for|of)\s,pwd~\s(?:for|of)\s,assword\x20changed\x20from \b(?:[Pp]ass(?:word|phrase)|pwd?)\s(?:(?:for|of)\s[^\n.:]{1,40}?(?:\sis(?:\s(?:still|now|currently))?:?|:)|changed\sfrom\s[^\s]{1,256}\sto|changed\sfrom)\s{1,2}[`"'*]{0,3}(?P<secret>[^\s`"'*<>(){}\[\],;\\][^\s`"'<>(){}\[\],;\\]{5,255})
one-time-code                   erification\x20code,ecurity\x20code,ogin\x20code,uthentication\x20code,ccess\x20code,ne-time\x20~(?:code|pass),OTP~\W,PIN~\W,pin\x20is\x20 (?:\b(?:[Vv]erification|[Ss]ecurity|[Ll]ogin|[Aa]uthentication|[Aa]ccess|[Oo]ne-time)\ (?:code|passcode|password)|\bOTP|\bPIN|\bpin(?=\ is\ ))\s{0,2}(?:is|:)\s{1,2}[`"'*]{0,2}(?P<secret>\d{4,8}|\d{3}[ -]\d{3})\b
"""


def _is_secret_literal(found: re.Match[str]) -> bool:
    """Return whether a literal of kubectl's is one of a secret: those of a config map are data."""
    before = found.string[max(0, found.start() - 512) : found.start()].rpartition("\n")[2]
    return "secret" in before and is_given(found["secret"])


CHECKS: dict[str, Callable[[re.Match[str]], bool]] = {
    **dict.fromkeys(
        (
            *(
                "sql-identified",
                "redis-directive",
                "redis-acl",
                "redis-sentinel",
                "router",
                "windows-user",
                "windows-option",
            ),
            *(
                "user-secrets",
                "option-p",
                "option-capital-p",
                "openssl",
                "option-auth",
                "snmp",
                "snmp-privacy",
                "nmcli",
            ),
            *(
                "password-of",
                "said-to-enter",
                "tool-config",
                "password-abbreviated",
                "login-call",
                "redis-auth-call",
                "ssh-keygen",
                "curl-cert",
                "putty",
                "archive",
                "lftp",
                "haproxy",
            ),
        ),
        lambda found: PASSWORD(found["secret"]),
    ),
    **dict.fromkeys(
        (
            *(
                "sql-set-password",
                "sql-set-password-to",
                "sql-procedure",
                "sql-key",
                "ipsec-secret",
                "add-user",
                "echoed",
            ),
            *(
                "secure-string",
                "sqlplus",
                "gh-secret",
                "secret-store",
                "ftp-user",
                "expect",
                "typed-after",
                "typed-into",
            ),
        ),
        lambda found: is_given(found["secret"]),
    ),
    **dict.fromkeys(
        ("pop-pass", "said-before", "said-of", "call-with-user", "erlang-tuple", "user-then-pass"),
        lambda found: CHOSEN(found["secret"]),
    ),
    **dict.fromkeys(
        ("login-call-of-names", "nickserv", "redis-monitor", "printed", "netrc-login"),
        lambda found: PASSWORD(found["secret"]),
    ),
    **dict.fromkeys(("user-colon-password",), lambda found: is_given(found["secret"])),
    "imap-login": lambda found: CHOSEN(found["secret"]),
    "conda-channel": lambda found: RANDOM(found["secret"]),
    "chat-hook": lambda found: TOKEN(found["secret"]),
    "pydantic-input": lambda found: PASSWORD(found["secret"]),
    "pgpass-of-any-port": lambda found: LOGIN(found["secret"]),
    "winexe": lambda found: is_given(found["secret"]),
    "snmp-community": lambda found: LOGIN(found["secret"]),
    "sonar-login": lambda found: is_given(found["secret"]),
    "redis-auth": lambda found: LOGIN(found["secret"]),
    "kubectl-literal": _is_secret_literal,
    **dict.fromkeys(("login-token", "session-in-url", "signing-call"), lambda found: TOKEN(found["secret"])),
    **dict.fromkeys(("npmrc", "token-user-url", "link"), lambda found: RANDOM(found["secret"])),
}
"""What is more to be true of what some expressions match."""
